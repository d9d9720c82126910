/** Looking together: an invitation, a pointer each, a few words, and the steering that is handed over. */

import { Refusal, api, say, t } from "./api.js";

const POINT_MS = 60, REST_MS = 4000, STEP = 0.03; // a pointer that rests fades; arrows move it by this share
const COLOURS = ["#d1495b", "#00798c", "#edae49", "#7b5ea7", "#2e933c", "#f26419", "#3d5a80", "#c05299"];
const KEYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

/** Where the picture lies in the stage, without the black beside it. */
function pictureIn(stage) {
  const image = stage.querySelector("[data-part=image]"), video = stage.querySelector("[data-part=video]");
  const wide = (image.hidden ? video.videoWidth : image.naturalWidth) || 16, high = (image.hidden ? video.videoHeight : image.naturalHeight) || 9;
  const scale = Math.min(stage.clientWidth / wide, stage.clientHeight / high);
  return { left: (stage.clientWidth - wide * scale) / 2, top: (stage.clientHeight - high * scale) / 2, width: wide * scale, height: high * scale };
}

export class Together {
  /** @param page the viewing page  @param now () => the session as it is  @param follow listen to our channel as well */
  constructor(page, now, follow) {
    Object.assign(this, { page, now, follow, pointers: new Map(), companions: [], at: { x: 0.5, y: 0.5 } });
    this.pick = (name) => page.querySelector(`[data-part="${name}"]`);
    this.stage = this.pick("stage");
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("./together.css", import.meta.url).href }));
    this.bind();
  }

  /** Begin, or come in by an invitation. */
  async open(togetherId = "") {
    try {
      const joined = await api("POST", `/api/viewing/${this.now().session_id}/together`, togetherId ? { together_id: togetherId } : {});
      this.id = joined.together_id;
      this.own = joined.companion_id;
      this.sessionId = this.now().session_id;
      this.show(joined.companions);
      this.follow();
      this.connect();
    } catch (error) {
      this.refused(error);
    }
  }

  /** Post the way in here to a group order, for its members. */
  inviteGroup(groupId) {
    return api("POST", `/api/groups/${encodeURIComponent(groupId)}/look`, { session_id: this.sessionId }, crypto.randomUUID()).catch((error) => this.refused(error));
  }

  /** Who came or went while no event could be heard: two who come in at the same moment miss each other. */
  async catchUp() {
    if (!this.id) return;
    const joined = await api("POST", `/api/viewing/${this.sessionId}/together`, { together_id: this.id }).catch(() => null);
    if (joined && this.id) this.show(joined.companions);
  }

  /** The page asked anew: it is another session, that comes in again. */
  again() { if (this.id && this.sessionId !== this.now().session_id) this.open(this.id); }

  refused(error) {
    if (!(error instanceof Refusal)) throw error;
    say([error.problem.title, error.problem.detail].filter(Boolean).join(" — "), "error");
  }

  deed(method, path, body) {
    return api(method, `/api/viewing/${this.sessionId}/together${path}`, body).catch((error) => this.refused(error));
  }

  take({ kind, data }) {
    if (kind === "companions") this.show(data.companions);
    if (kind === "said") this.heard(data);
    if (kind === "offered" && data.to === this.own) this.offered(data);
    if (kind === "answered" && data.companion_id !== this.own)
      say(data.accepts ? t(`${data.nickname} takes the steering`, `${data.nickname} 接过了镜头`) : t(`${data.nickname} would rather watch`, `${data.nickname} 想继续观看`));
  }

  connect() {
    const address = new URL(`/api/together/${this.id}/pointers/${this.sessionId}`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    this.socket?.close();
    const socket = (this.socket = new WebSocket(address));
    socket.onmessage = (message) => this.pointed(JSON.parse(message.data));
    socket.onclose = () => { if (socket === this.socket && this.id) setTimeout(() => socket === this.socket && this.id && this.connect(), 5000); };
  }

  colour(companionId) { return COLOURS[Math.max(0, this.companions.findIndex((one) => one.companion_id === companionId)) % COLOURS.length]; }

  name(one) { return one.companion_id === this.own ? t("You", "您") : one.nickname || t("A visitor", "访客"); }

  show(companions) {
    this.companions = companions;
    const isGone = !companions.some((one) => one.companion_id === this.own);
    if (isGone && this.id) return this.close();
    const own = companions.find((one) => one.companion_id === this.own);
    this.pick("circle").hidden = false;
    this.invite(true);
    this.pick("link").value = new URL(`${location.pathname}?with=${this.id}`, location.href).href;
    this.pick("companions").replaceChildren(...companions.map((one) => {
      const line = document.createElement("li");
      line.dataset.companion = one.companion_id;
      const dot = Object.assign(document.createElement("span"), { className: "dot" });
      dot.style.background = this.colour(one.companion_id);
      line.append(dot, this.name(one), one.is_steering ? t(" — steers", " — 正在操控") : "");
      if (own.is_steering && one.can_take) {
        const give = Object.assign(document.createElement("button"), { type: "button", textContent: t("Hand over the steering", "交出镜头") });
        give.addEventListener("click", async () => {
          if (await this.deed("POST", "/offer", { companion_id: one.companion_id })) say(t(`Offered to ${one.nickname}`, `已询问 ${one.nickname}`));
        });
        line.append(give);
      }
      return line;
    }));
    for (const id of [...this.pointers.keys()]) if (!companions.some((one) => one.companion_id === id)) this.pointed({ companion_id: id });
  }

  heard(data) {
    const line = document.createElement("li"), who = document.createElement("b");
    who.textContent = `${this.name(data)}: `;
    who.style.borderColor = this.colour(data.companion_id);
    line.append(who, data.text);
    if (data.companion_id !== this.own && data.said_id) line.append(this.complaint(data));
    this.pick("said").append(line);
    while (this.pick("said").children.length > 50) this.pick("said").firstChild.remove();
    line.scrollIntoView({ block: "nearest" });
  }

  /** A small button beside what another said: the operator gets the words, and who said them. */
  complaint(data) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "plain small", textContent: t("Report", "举报") });
    button.ariaLabel = t(`Report to the operator what ${this.name(data)} said`, `向平台举报 ${this.name(data)} 的这句话`);
    button.addEventListener("click", async () => {
      if (!(await this.deed("POST", "/complaints", { said_id: data.said_id }))) return;
      button.disabled = true;
      button.textContent = t("Reported", "已举报");
      say(t("Reported; the operator reads it.", "已举报，平台会查看。"), "good");
    });
    return button;
  }

  offered(data) {
    const box = this.pick("offered");
    box.querySelector("p").textContent = t(`${data.nickname} would hand you the steering.`, `${data.nickname} 想把镜头交给您。`);
    if (!box.open) box.show();
    box.querySelector("button").focus();
  }

  /** Somebody's pointer came, or went. */
  pointed({ companion_id: id, x, y }) {
    let mark = this.pointers.get(id);
    if (x === undefined) { mark?.remove(); this.pointers.delete(id); return; }
    if (!mark) {
      mark = Object.assign(document.createElement("span"), { className: "pointer", ariaHidden: "true" });
      const one = this.companions.find((each) => each.companion_id === id);
      mark.textContent = one ? this.name(one) : "";
      mark.dataset.companion = id;
      this.stage.append(mark);
      this.pointers.set(id, mark);
    }
    mark.at = { x, y };
    mark.style.setProperty("--colour", this.colour(id));
    this.place(mark);
    mark.classList.remove("rests");
    clearTimeout(mark.timer);
    mark.timer = setTimeout(() => mark.classList.add("rests"), REST_MS);
  }

  place(mark) {
    const box = pictureIn(this.stage);
    mark.style.left = `${box.left + mark.at.x * box.width}px`;
    mark.style.top = `${box.top + mark.at.y * box.height}px`;
  }

  /** Point at a place of the picture: everybody sees it, oneself too. */
  point(x, y) {
    if (!this.id || !(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return;
    this.at = { x, y };
    const now = performance.now();
    clearTimeout(this.later);
    if (now - (this.toldAt ?? 0) < POINT_MS) { this.later = setTimeout(() => this.point(x, y), POINT_MS); return; }
    this.toldAt = now;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(this.at));
    this.pointed({ companion_id: this.own, ...this.at });
  }

  bind() {
    this.stage.addEventListener("pointermove", (event) => {
      const box = pictureIn(this.stage), at = this.stage.getBoundingClientRect();
      this.point((event.clientX - at.left - box.left) / box.width, (event.clientY - at.top - box.top) / box.height);
    });
    this.stage.addEventListener("keydown", (event) => {
      const step = KEYS[event.key];
      if (!step || !this.id || this.now().state === "steering") return;
      event.preventDefault();
      this.point(Math.min(1, Math.max(0, this.at.x + step[0])), Math.min(1, Math.max(0, this.at.y + step[1])));
    });
    addEventListener("resize", () => this.pointers.forEach((mark) => this.place(mark)));
    this.pick("talk").addEventListener("submit", async (event) => {
      event.preventDefault();
      const field = event.target.elements.text;
      if (field.value.trim() && await this.deed("POST", "/say", { text: field.value })) field.value = "";
    });
    this.pick("apart").addEventListener("click", async () => { await this.deed("DELETE", "", undefined); this.close(); });
    this.pick("copy").addEventListener("click", async () => {
      this.pick("link").select();
      try { await navigator.clipboard.writeText(this.pick("link").value); say(t("Link copied", "链接已复制"), "good"); } catch { /* it is selected */ }
    });
    for (const button of this.pick("offered").querySelectorAll("button")) {
      button.addEventListener("click", () => {
        this.pick("offered").close();
        this.deed("POST", "/answer", { accepts: button.value === "yes" });
        this.stage.focus();
      });
    }
  }

  invite(isOpen) { if (this.pick("invite")) this.pick("invite").hidden = isOpen; }

  close() {
    this.id = null;
    this.follow();
    this.socket?.close();
    for (const mark of this.pointers.values()) mark.remove();
    this.pointers.clear();
    this.pick("circle").hidden = true;
    this.invite(false);
  }
}

/** The loupe: mark a part of the live picture, get it as sharp as the camera's sensor has it, turn it over at leisure. */

import { language, say, t } from "./api.js";
import { Closer } from "./closer.js";

const LABEL = "loupe";
const KEPT_MAX = 12;
const SILENT_MS = 15000; // the shop gives its camera five seconds, a slow network takes the rest
const TAP = 0.06, SIDE_MIN = 0.04; // shares of the picture: less than this was a tap, or is nothing
const STEP = 0.04;

const REASONS = {
  busy: ["One close look is on its way already.", "上一张细节图还在传送。"],
  many: ["Several are looking closely just now; the one who steers goes first. Try again in a moment.", "正有多人查看细节，操控者优先，请稍后再试。"],
  outside: ["Mark a part inside the picture.", "请在画面内选取。"],
  no_still: ["The camera gave no picture. Try again.", "镜头没有给出画面，请重试。"],
  private: ["The shop has paused its cameras.", "店铺已暂停镜头。"],
  closed: ["The shop is closed.", "店铺已打烊。"],
  camera_offline: ["The shop's camera is not reachable.", "店铺镜头暂时无法连接。"],
  no_session: ["The viewing has ended.", "看货已结束。"],
  silent: ["Nothing came: the network is too slow just now, or the shop's program does not know the loupe yet. Try a smaller part.", "未能取得：网络过慢，或店铺程序尚不支持。请选取小一些的范围。"],
  gone: ["The picture went away meanwhile. Try again.", "画面已中断，请重试。"],
};
const reasonOf = (error) => t(...(REASONS[error.reason] ?? ["That did not work. Try again.", "未能完成，请重试。"]));

class NoLoupe extends Error {
  constructor(reason) { super(reason); this.reason = reason; }
}

/** Regions over a reliable data channel of the stream that is open: one on its way, chunks joined as they come. */
class DirectWay {
  constructor(peer) {
    this.channel = peer.createDataChannel(LABEL);
    this.channel.binaryType = "arraybuffer";
    this.channel.onmessage = ({ data }) => (typeof data === "string" ? this.told(JSON.parse(data)) : this.chunk(data));
    this.channel.onclose = () => this.end(new NoLoupe("gone"));
    this.number = 0;
  }

  get isOpen() { return ["connecting", "open"].includes(this.channel.readyState); }

  async take(region, onProgress) {
    if (this.wish) throw new NoLoupe("busy");
    const number = (this.number += 1);
    const result = new Promise((resolve, reject) => { this.wish = { number, resolve, reject, onProgress, parts: [], got: 0 }; });
    this.stir();
    if (this.channel.readyState === "connecting") await Promise.race([result, new Promise((open) => { this.channel.onopen = open; })]);
    if (this.wish) this.channel.send(JSON.stringify({ number, region }));
    return result;
  }

  stir() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.end(new NoLoupe("silent")), SILENT_MS);
  }

  told(answer) {
    if (!this.wish || answer.number !== this.wish.number) return;
    this.stir();
    if (answer.state === "refused") this.end(new NoLoupe(answer.reason));
    else if (answer.state === "coming") this.wish.answer = answer;
    else if (answer.state === "done") this.end(null, { ...this.wish.answer, blob: new Blob(this.wish.parts, { type: "image/jpeg" }) });
  }

  chunk(data) {
    if (!this.wish?.answer) return;
    this.stir();
    this.wish.parts.push(data);
    this.wish.got += data.byteLength;
    this.wish.onProgress(this.wish.got / this.wish.answer.size_bytes);
  }

  end(error, found) {
    clearTimeout(this.timer);
    const wish = this.wish;
    this.wish = null;
    if (error) wish?.reject(error); else wish?.resolve(found);
  }
}

/** The same through the relay, smaller, for browsers that no direct picture reaches. */
async function takeByRelay(sessionId, region, onProgress) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": document.querySelector("meta[name=csrf]")?.content ?? "" };
  const response = await fetch(`/api/viewing/${sessionId}/loupe`, { method: "POST", headers, body: JSON.stringify(region) }).catch(() => null);
  if (!response) throw new NoLoupe("gone");
  if (!response.ok) throw new NoLoupe((await response.json().catch(() => ({}))).reason ?? (response.status === 504 ? "silent" : ""));
  const head = (name) => response.headers.get(`Vitrine-${name}`) ?? "";
  const size = Number(response.headers.get("Content-Length")), parts = [], reader = response.body.getReader();
  for (let got = 0, part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    got += part.value.length;
    if (size) onProgress(got / size);
  }
  const [width_px, height_px] = head("Size").split("x").map(Number), [sensor_width_px, sensor_height_px] = head("Sensor").split("x").map(Number);
  return { blob: new Blob(parts, { type: "image/jpeg" }), width_px, height_px, sensor_width_px, sensor_height_px,
    shrunk: Number(head("Shrunk")), taken_at: head("Taken"), byRelay: true };
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const make = (name, values = {}, ...inside) => {
  const made = Object.assign(document.createElement(name), values);
  made.append(...inside);
  return made;
};

// its own style comes with it: who never looks closely never loads either
await new Promise((done) => {
  const style = make("link", { rel: "stylesheet", href: new URL("./loupe.css", import.meta.url).href, onload: done, onerror: done });
  document.head.append(style);
});

export class Loupe {
  /** @param page the viewing page  @param now () => {opened, sessionId, picture}: what is open just now */
  constructor(page, now) {
    Object.assign(this, { now, kept: [], stage: page.querySelector("[data-part=stage]"), opener: page.querySelector("[data-part=loupe]"),
      strip: page.querySelector("[data-part=loupes]"), section: page.querySelector("[data-part=closer]") });
    this.closer = new Closer(() => this.begin(), this.opener);
    this.buildVeil();
  }

  buildVeil() {
    this.frame = make("div", { className: "loupe-frame" });
    this.words = make("p", { className: "loupe-words", role: "status" });
    this.bar = make("progress", { max: 100, value: 0, hidden: true, ariaLabel: t("The close look is coming", "正在传送") });
    this.takeButton = make("button", { type: "button", className: "deed", textContent: t("Show this sharp", "看清这里") });
    const out = make("button", { type: "button", textContent: t("Cancel", "取消") });
    this.veil = make("div", { className: "loupe-veil", tabIndex: 0, role: "application" }, this.frame, make("div", { className: "loupe-under" }, this.words, this.bar, make("div", { className: "row centred" }, this.takeButton, out)));
    this.veil.dataset.arrows = this.veil.dataset.own = "";
    this.veil.ariaLabel = t("Mark a part of the picture: drag over it; or move the frame with the arrows, size it with plus and minus, then Enter. Escape cancels.",
      "选取画面的一部分：拖动框选；或用方向键移动、加减键缩放，回车确定，Esc 取消。");
    this.takeButton.addEventListener("click", () => this.take());
    out.addEventListener("click", () => this.end());
    this.veil.addEventListener("keydown", (event) => this.key(event));
    this.veil.addEventListener("pointerdown", (event) => this.down(event));
    this.veil.addEventListener("pointermove", (event) => this.from && this.drag(event));
    this.veil.addEventListener("pointerup", (event) => this.up(event));
    this.veil.addEventListener("pointercancel", () => { this.from = null; });
    addEventListener("resize", () => this.veil.isConnected && this.draw());
  }

  begin() {
    if (!this.now().opened?.stream) return say(t("Wait until there is a picture.", "请等画面出现。"));
    this.region = { left: 1 / 3, top: 1 / 3, width: 1 / 3, height: 1 / 3 };
    this.stage.append(this.veil);
    this.rest(t("Drag over what you want to see in every detail.", "拖动框选想看清的地方。"));
    this.draw();
    this.veil.focus({ preventScroll: true });
  }

  end() {
    this.veil.remove();
    this.opener.focus({ preventScroll: true });
  }

  rest(words) {
    this.isTaking = false;
    this.takeButton.disabled = false;
    this.bar.hidden = true;
    this.words.textContent = words;
  }

  /** Where the picture lies in the stage, without the black beside it. */
  box() {
    const picture = this.now().picture, wide = picture.videoWidth || picture.naturalWidth || 16, high = picture.videoHeight || picture.naturalHeight || 9;
    const scale = Math.min(this.veil.clientWidth / wide, this.veil.clientHeight / high);
    return { left: (this.veil.clientWidth - wide * scale) / 2, top: (this.veil.clientHeight - high * scale) / 2, width: wide * scale, height: high * scale };
  }

  draw() {
    const box = this.box(), { left, top, width, height } = this.region;
    Object.assign(this.frame.style, { left: `${box.left + left * box.width}px`, top: `${box.top + top * box.height}px`, width: `${width * box.width}px`, height: `${height * box.height}px` });
  }

  at(event) {
    const box = this.box(), edge = this.veil.getBoundingClientRect();
    return { x: clamp((event.clientX - edge.left - box.left) / box.width, 0, 1), y: clamp((event.clientY - edge.top - box.top) / box.height, 0, 1) };
  }

  down(event) {
    if (this.isTaking || event.target.closest("button")) return;
    this.veil.setPointerCapture(event.pointerId);
    this.from = this.at(event);
  }

  drag(event) {
    const to = this.at(event), { from } = this;
    this.region = { left: Math.min(from.x, to.x), top: Math.min(from.y, to.y), width: Math.abs(from.x - to.x), height: Math.abs(from.y - to.y) };
    this.draw();
  }

  up(event) {
    if (!this.from) return;
    this.drag(event);
    const { x, y } = this.from, isTap = this.region.width < TAP && this.region.height < TAP;
    this.from = null;
    const width = isTap ? 0.25 : Math.max(this.region.width, SIDE_MIN), height = isTap ? 0.25 : Math.max(this.region.height, SIDE_MIN);
    const left = isTap ? x - width / 2 : this.region.left, top = isTap ? y - height / 2 : this.region.top;
    this.region = { left: clamp(left, 0, 1 - width), top: clamp(top, 0, 1 - height), width, height };
    this.draw();
    this.take();
  }

  key(event) {
    const { region } = this;
    const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (event.key === "Escape" || event.key === "Backspace" || event.key === "GoBack") { event.preventDefault(); return this.end(); }
    if (event.target !== this.veil || this.isTaking) return;
    const factor = { "+": 1.25, "=": 1.25, "-": 0.8 }[event.key];
    if (moves) Object.assign(region, { left: clamp(region.left + moves[0], 0, 1 - region.width), top: clamp(region.top + moves[1], 0, 1 - region.height) });
    else if (factor) this.resize(factor);
    else if (event.key === "Enter" || event.key === " ") this.take();
    else return;
    event.preventDefault();
    this.draw();
  }

  resize(factor) {
    const { left, top, width, height } = this.region, wide = clamp(width * factor, 0.08, 1), high = clamp(height * factor, 0.08, 1);
    this.region = { width: wide, height: high, left: clamp(left + (width - wide) / 2, 0, 1 - wide), top: clamp(top + (height - high) / 2, 0, 1 - high) };
  }

  async take() {
    if (this.isTaking) return;
    this.isTaking = this.takeButton.disabled = true;
    this.bar.removeAttribute("value");
    this.bar.hidden = false;
    this.words.textContent = t("The camera takes it…", "正在拍摄……");
    const onProgress = (share) => {
      this.bar.value = Math.round(share * 100);
      this.words.textContent = t(`It is coming: ${this.bar.value} %`, `正在传送：${this.bar.value} %`);
    };
    try {
      const begun = performance.now(), found = await this.fetch({ ...this.region }, onProgress);
      this.stage.dataset.loupeMs = Math.round(performance.now() - begun);
      this.keep({ ...found, address: URL.createObjectURL(found.blob) });
      this.veil.remove();
    } catch (error) {
      if (!(error instanceof NoLoupe)) throw error;
      this.rest(reasonOf(error));
    }
  }

  fetch(region, onProgress) {
    const { opened, sessionId } = this.now(), peer = opened?.way === "webrtc" ? opened.stream?.peer : null;
    if (!opened?.stream) throw new NoLoupe("gone");
    if (!peer) return takeByRelay(sessionId, region, onProgress);
    if (this.direct?.peer !== peer || !this.direct.way.isOpen) this.direct = { peer, way: new DirectWay(peer) };
    return this.direct.way.take(region, onProgress);
  }

  /** The newest first; the oldest makes room. They live as long as this page. */
  keep(found) {
    this.kept.unshift(found);
    for (const old of this.kept.splice(KEPT_MAX)) URL.revokeObjectURL(old.address);
    const time = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { timeStyle: "medium" });
    this.strip.replaceChildren(...this.kept.map((one) => {
      const at = time.format(new Date(one.taken_at || Date.now()));
      const button = make("button", { type: "button", ariaLabel: t(`Close look of ${at}`, `${at} 的细节图`) }, make("img", { src: one.address, alt: "" }), make("span", { className: "small number", textContent: at }));
      button.addEventListener("click", () => this.closer.show(one, at, button));
      return make("li", {}, button);
    }));
    this.section.hidden = false;
    this.closer.show(found, time.format(new Date(found.taken_at || Date.now())), this.opener);
  }
}

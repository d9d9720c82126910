/** One close look in a dialog: nearer, farther, moved by finger, mouse, wheel or keys; what it is and what limits it. */

import { t } from "./api.js";

const NEARER = 1.5, ZOOM_MAX = 8, PAN_PX = 60;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const button = (text, deed) => {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: text });
  made.addEventListener("click", deed);
  return made;
};

export class Closer {
  /** @param again () => marks another part  @param home where the focus goes at the end */
  constructor(again, home) {
    this.home = home;
    this.image = Object.assign(document.createElement("img"), { alt: t("The part you marked, at the camera's full resolution", "所选部分，镜头全分辨率"), draggable: false });
    this.pane = Object.assign(document.createElement("div"), { className: "closer-pane", tabIndex: 0, role: "group" });
    this.pane.ariaLabel = t("Close look. Arrows move it, plus and minus zoom, 0 shows all.", "细节图。方向键移动，加减键缩放，0 显示全部。");
    this.pane.append(this.image);
    this.words = Object.assign(document.createElement("p"), { className: "small" });
    this.save = Object.assign(document.createElement("a"), { className: "button", textContent: t("Save", "保存") });
    const row = Object.assign(document.createElement("div"), { className: "row" });
    row.append(button(t("Nearer", "放大"), () => this.zoomBy(NEARER)), button(t("Farther", "缩小"), () => this.zoomBy(1 / NEARER)), button(t("Whole", "全部"), () => this.whole()),
      this.save, button(t("Mark another", "再选一处"), () => { this.home = null; this.dialog.close(); again(); }), button(t("Close", "关闭"), () => this.dialog.close()));
    this.dialog = Object.assign(document.createElement("dialog"), { className: "closer" });
    this.dialog.ariaLabel = t("Close look", "细节图");
    this.dialog.append(this.pane, this.words, row);
    this.dialog.addEventListener("close", () => this.home?.isConnected && this.home.focus({ preventScroll: true }));
    document.body.append(this.dialog);
    this.bind();
  }

  show(found, at, home) {
    this.home = home;
    this.image.src = this.save.href = found.address;
    this.save.download = `vitrine-${at.replace(/\D+/g, "-")}.jpg`;
    this.words.textContent = describe(found, at);
    this.dialog.showModal();
    this.whole();
    this.pane.focus({ preventScroll: true });
  }

  whole() { Object.assign(this, { zoom: 1, x: 0, y: 0 }); this.draw(); }

  /** Zoom around a point of the pane, its middle by default. */
  zoomBy(factor, x = 0, y = 0) {
    const zoom = clamp(this.zoom * factor, 1, ZOOM_MAX), change = zoom / this.zoom;
    this.x = x - (x - this.x) * change;
    this.y = y - (y - this.y) * change;
    this.zoom = zoom;
    this.draw();
  }

  draw() {
    const reach = { x: this.pane.clientWidth * (this.zoom - 1) / 2, y: this.pane.clientHeight * (this.zoom - 1) / 2 };
    this.x = clamp(this.x, -reach.x, reach.x);
    this.y = clamp(this.y, -reach.y, reach.y);
    this.pane.toggleAttribute("data-arrows", this.zoom > 1);
    this.image.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
  }

  bind() {
    const fingers = new Map(), { pane } = this;
    const middle = (event) => { const edge = pane.getBoundingClientRect(); return [event.clientX - edge.left - edge.width / 2, event.clientY - edge.top - edge.height / 2]; };
    const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY); };
    pane.addEventListener("pointerdown", (event) => { pane.setPointerCapture(event.pointerId); fingers.set(event.pointerId, event); });
    pane.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const wide = fingers.size === 2 ? spread() : 0;
      fingers.set(event.pointerId, event);
      if (wide) return this.zoomBy(spread() / wide, ...middle(event));
      this.x += event.clientX - before.clientX;
      this.y += event.clientY - before.clientY;
      this.draw();
    });
    for (const end of ["pointerup", "pointercancel"]) pane.addEventListener(end, (event) => fingers.delete(event.pointerId));
    pane.addEventListener("wheel", (event) => { event.preventDefault(); this.zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2, ...middle(event)); }, { passive: false });
    pane.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [PAN_PX, 0], ArrowRight: [-PAN_PX, 0], ArrowUp: [0, PAN_PX], ArrowDown: [0, -PAN_PX] }[event.key];
      const factor = { "+": NEARER, "=": NEARER, "-": 1 / NEARER }[event.key];
      if (move && this.zoom > 1) { this.x += move[0]; this.y += move[1]; this.draw(); }
      else if (move) return; // nothing to move: the arrows lead to the buttons
      else if (factor) this.zoomBy(factor);
      else if (event.key === "Enter") this.zoom >= ZOOM_MAX ? this.whole() : this.zoomBy(NEARER);
      else if (event.key === "0") this.whole();
      else return;
      event.preventDefault();
    });
  }
}

/** What was taken, when, and what limits it: never more than is there. */
function describe(found, at) {
  const lines = [t(`Taken ${at}; ${found.width_px} × ${found.height_px} points of the camera's ${found.sensor_width_px} × ${found.sensor_height_px}.`,
    `拍摄于 ${at}；${found.width_px} × ${found.height_px} 像素，镜头全幅 ${found.sensor_width_px} × ${found.sensor_height_px}。`)];
  if (found.shrunk < 1) lines.push(t(`Made smaller (${Math.round(found.shrunk * 100)} %) so that it crosses quickly: mark a smaller part to see every point.`, `为快速传送已缩小到 ${Math.round(found.shrunk * 100)} %：选取更小的范围可看到每个像素。`));
  if (found.byRelay) lines.push(t("It came through the relay, which carries 64 KB for each: a direct picture brings more.", "经平台转发，每张限 64 KB；直连画面更清晰。"));
  if (found.sensor_width_px && found.sensor_width_px <= 1280) lines.push(t("This camera has no more detail than its live picture.", "该镜头的细节与实时画面相同。"));
  return lines.join(" ");
}

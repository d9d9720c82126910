/** Showing a spot's camera the colour card: lay four corners over a still of it, the page reads its 24 patches. */

import { api, t } from "./api.js";

const COLUMNS = 6, ROWS = 4, STILL_WIDTH_PX = 960;
const SHARE = 0.4; // of a patch: its rim and the black between patches stay out
const STEP = 0.004, STEP_LARGE = 0.03;
const NAMES = [["brown (first patch)", "棕色（第一块）"], ["end of the first row", "第一行末"], ["black (last patch)", "黑色（最后一块）"], ["white (start of the last row)", "白色（末行首块）"]];
const clamp = (value) => Math.min(Math.max(value, 0), 1);

/** The eight numbers that map the unit square onto four corners (clockwise from the first): a plane seen aslant. */
export function aslant([a, b, c, d]) {
  const [dx1, dx2, dx3] = [b.x - c.x, d.x - c.x, a.x - b.x + c.x - d.x], [dy1, dy2, dy3] = [b.y - c.y, d.y - c.y, a.y - b.y + c.y - d.y];
  const whole = dx1 * dy2 - dx2 * dy1, g = (dx3 * dy2 - dx2 * dy3) / whole, h = (dx1 * dy3 - dx3 * dy1) / whole;
  return (u, v) => {
    const depth = g * u + h * v + 1;
    return { x: ((b.x - a.x + g * b.x) * u + (d.x - a.x + h * d.x) * v + a.x) / depth, y: ((b.y - a.y + g * b.y) * u + (d.y - a.y + h * d.y) * v + a.y) / depth };
  };
}

/** The mean colour of each patch; corners are the middles of the four outermost patches, as shares of the picture. */
export function readPatches({ data, width, height }, corners) {
  const at = aslant(corners), patches = [];
  for (let row = 0; row < ROWS; row += 1) {
    for (let column = 0; column < COLUMNS; column += 1) {
      const sum = [0, 0, 0];
      let count = 0;
      for (let v = -4; v <= 4; v += 1) {
        for (let u = -4; u <= 4; u += 1) {
          const { x, y } = at((column + (u / 8) * SHARE) / (COLUMNS - 1), (row + (v / 8) * SHARE) / (ROWS - 1));
          const place = 4 * (Math.round(clamp(y) * (height - 1)) * width + Math.round(clamp(x) * (width - 1)));
          for (const channel of [0, 1, 2]) sum[channel] += data[place + channel];
          count += 1;
        }
      }
      patches.push(sum.map((one) => Number((one / count).toFixed(1))));
    }
  }
  return patches;
}

export class ColourCard {
  /** @param section the page's part for it  @param now () => {sessionId}  @param pieceId  @param onKept (correction) => void */
  constructor(section, now, pieceId, onKept) {
    Object.assign(this, { section, now, pieceId, onKept, held: 0, corners: [{ x: 0.3, y: 0.3 }, { x: 0.7, y: 0.3 }, { x: 0.7, y: 0.7 }, { x: 0.3, y: 0.7 }] });
    this.canvas = document.createElement("canvas");
    this.marks = NAMES.map(([en, zh], place) => {
      const mark = Object.assign(document.createElement("button"), { type: "button", className: "corner", textContent: String(place + 1) });
      mark.ariaLabel = t(`Corner ${place + 1}: middle of the patch ${en}. Arrows move it.`, `角 ${place + 1}：${zh}的中心。方向键移动。`);
      mark.dataset.arrows = "";
      mark.addEventListener("keydown", (event) => this.key(event, place));
      mark.addEventListener("pointerdown", (event) => { this.held = place; mark.setPointerCapture(event.pointerId); });
      mark.addEventListener("pointermove", (event) => mark.hasPointerCapture(event.pointerId) && this.moveTo(event, place));
      return mark;
    });
    this.pane = section.querySelector("[data-card-pane]");
    this.pane.append(this.canvas, ...this.marks);
  }

  /** Take a still of what the camera sees and show it to be marked. */
  async open() {
    const response = await fetch(`/api/viewing/${this.now().sessionId}/still.jpg?width_px=${STILL_WIDTH_PX}`);
    if (!response.ok) throw new Error(t("The camera gave no picture. Try again.", "镜头没有给出画面，请重试。"));
    const picture = await createImageBitmap(await response.blob());
    Object.assign(this.canvas, { width: picture.width, height: picture.height });
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.pen.drawImage(picture, 0, 0);
    this.pane.hidden = false;
    this.draw();
    this.marks[0].focus();
  }

  close() { this.pane.hidden = true; }

  moveTo(event, place) {
    const edge = this.canvas.getBoundingClientRect();
    this.corners[place] = { x: clamp((event.clientX - edge.left) / edge.width), y: clamp((event.clientY - edge.top) / edge.height) };
    this.draw();
  }

  key(event, place) {
    const size = event.shiftKey ? STEP_LARGE : STEP;
    const [x, y] = { ArrowLeft: [-size, 0], ArrowRight: [size, 0], ArrowUp: [0, -size], ArrowDown: [0, size] }[event.key] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    this.corners[place] = { x: clamp(this.corners[place].x + x), y: clamp(this.corners[place].y + y) };
    this.draw();
  }

  draw() {
    this.marks.forEach((mark, place) => { mark.style.left = `${this.corners[place].x * 100}%`; mark.style.top = `${this.corners[place].y * 100}%`; });
  }

  async keep() {
    const patches = readPatches(this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height), this.corners);
    this.onKept(await api("PUT", `/api/pieces/${this.pieceId}/colour`, { patches }));
    this.close();
  }

  async forget() {
    await api("DELETE", `/api/pieces/${this.pieceId}/colour`);
    this.onKept(null);
  }
}

/** What fingers, mouse, wheel, keys and a TV's remote mean for the camera: one stream of steering, newest only. */

const TAP_MS = 400, TAP_PX = 8; // a touch that is shorter and goes less far is no drag

const MOVE_MS = 80; // the shop stops by itself 500 ms after the last beat; six beats fit in between
const BEAT_MS = 1000;
const WAY_MS = 6000; // the longest way to a face; beats keep the shop's dead-man quiet meanwhile
const KEYS = { ArrowLeft: { pan: -0.5 }, ArrowRight: { pan: 0.5 }, ArrowUp: { tilt: 0.5 }, ArrowDown: { tilt: -0.5 },
  "+": { zoom: 0.6 }, "=": { zoom: 0.6 }, "-": { zoom: -0.6 }, "[": { turn: -0.6 }, "]": { turn: 0.6 } };

export class Steering {
  /** @param send (steering, isMotion) => void  @param can {pan, zoom, turn} what this place has */
  constructor(send, can) {
    Object.assign(this, { send, can, turnNo: 0, sequence: 0, motion: null, axis: "look" });
    this.onTheWayUntil = 0;
    setInterval(() => {
      if (this.motion) this.move();
      else if (performance.now() < this.onTheWayUntil) this.emit({ kind: "beat" }, false);
    }, MOVE_MS);
    setInterval(() => this.turnNo && this.emit({ kind: "beat" }, false), BEAT_MS);
  }

  emit(wish, isMotion) {
    if (!this.turnNo) return;
    this.sequence += 1;
    this.send({ turn_no: this.turnNo, sequence: this.sequence, ...wish }, isMotion);
  }

  move() { this.emit({ kind: "move", ...this.motion }, true); }

  /** Hold a motion until `stop`; axes that the place lacks are left out, panning turns the table where only that moves. */
  hold(motion) {
    const wish = { pan: 0, tilt: 0, zoom: 0, turn: 0, ...motion };
    if (this.can.turn && (!this.can.pan || this.axis === "turn") && wish.pan) { wish.turn = wish.pan; wish.pan = 0; }
    this.motion = wish;
    this.onTheWayUntil = 0;
    this.move();
  }

  stop() {
    if (!this.motion) return;
    this.motion = null;
    this.emit({ kind: "stop" }, false);
  }

  face(name) {
    this.motion = null;
    this.onTheWayUntil = performance.now() + WAY_MS;
    this.emit({ kind: "face", face: name }, false);
  }

  /** Bring a point of the picture to its middle: right of it and above it, in halves of its width. */
  centre(right, up) {
    if (!this.can.pan) return;
    this.motion = null;
    this.onTheWayUntil = performance.now() + WAY_MS;
    this.emit({ kind: "centre", pan: right, tilt: up }, false);
  }

  /** Buttons with data-hold='{"zoom":0.6}' move while pressed, by mouse, finger, Enter or Space. */
  bindButtons(root) {
    for (const button of root.querySelectorAll("[data-hold]")) {
      const motion = JSON.parse(button.dataset.hold);
      button.addEventListener("pointerdown", (event) => { button.setPointerCapture(event.pointerId); this.hold(motion); });
      for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) button.addEventListener(end, () => this.stop());
      button.addEventListener("keydown", (event) => {
        if ((event.key === "Enter" || event.key === " ") && !event.repeat) { event.preventDefault(); this.hold(motion); }
      });
      button.addEventListener("keyup", () => this.stop());
    }
    for (const button of root.querySelectorAll("[data-face]")) button.addEventListener("click", () => this.face(button.dataset.face));
  }

  /** The picture itself: a tap brings its point to the middle, drag looks around or turns, two fingers and the wheel zoom,
   * arrows steer, OK changes what arrows do. */
  bindPicture(stage, onAxis) {
    const fingers = new Map();
    let start = null, spread = 0, tap = null;
    // what lies in the picture with ways of its own (a button, the loupe) does not steer
    const isOwn = (event) => event.target.closest("[data-own]");
    stage.addEventListener("pointerdown", (event) => {
      if (isOwn(event)) return;
      stage.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, event);
      if (fingers.size === 1) start = tap = { x: event.clientX, y: event.clientY, at: event.timeStamp };
      if (fingers.size === 2) { spread = distance(fingers); tap = null; }
    });
    stage.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      fingers.set(event.pointerId, event);
      if (fingers.size === 2) {
        const change = (distance(fingers) - spread) / 120;
        return this.hold({ zoom: clamp(change) });
      }
      if (Math.hypot(event.clientX - start.x, event.clientY - start.y) > TAP_PX) tap = null;
      if (tap) return;
      const reach = Math.min(stage.clientWidth, stage.clientHeight) / 2.5;
      const pan = clamp((start.x - event.clientX) / reach), tilt = clamp((event.clientY - start.y) / reach);
      if (Math.hypot(pan, tilt) > 0.05) this.hold({ pan, tilt });
    });
    const up = (event) => { fingers.delete(event.pointerId); this.stop(); };
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, up);
    stage.addEventListener("pointerup", (event) => {
      const point = tap && event.timeStamp - tap.at < TAP_MS && pointOf(stage, event);
      tap = null;
      if (point) this.centre(...point);
    });
    let wheelEnd;
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (isOwn(event)) return;
      this.hold({ zoom: event.deltaY < 0 ? 0.7 : -0.7 });
      clearTimeout(wheelEnd);
      wheelEnd = setTimeout(() => this.stop(), 180);
    }, { passive: false });
    stage.addEventListener("keydown", (event) => {
      if (isOwn(event)) return;
      if (event.key === "Enter" && !event.repeat) {
        const axes = ["look", ...(this.can.zoom ? ["zoom"] : []), ...(this.can.turn && this.can.pan ? ["turn"] : [])];
        const next = axes[axes.indexOf(this.axis) + 1];
        this.axis = next ?? "look";
        onAxis(next ?? "out");
        return event.preventDefault();
      }
      if (event.key === "Escape" || event.key === "Backspace") { onAxis("out"); return event.preventDefault(); }
      const motion = KEYS[event.key];
      if (!motion) return;
      event.preventDefault();
      if (event.repeat && this.motion) return;
      this.hold(this.axis === "zoom" && motion.tilt ? { zoom: motion.tilt } : motion);
    });
    stage.addEventListener("keyup", (event) => event.key in KEYS && this.stop());
    stage.addEventListener("blur", () => this.stop());
  }
}

/** Where in the picture this is, from its middle in halves of its width; null beside it. The picture lies in the stage whole. */
function pointOf(stage, event) {
  const box = stage.getBoundingClientRect();
  const shown = ["img.stills", "video"].map((one) => stage.querySelector(one)).find((one) => one && !one.hidden && (one.videoWidth || one.naturalWidth));
  if (!shown) return null;
  const shape = shown.videoWidth ? shown.videoWidth / shown.videoHeight : shown.naturalWidth / shown.naturalHeight;
  const half = Math.min(box.width, box.height * shape) / 2;
  const right = (event.clientX - box.left - box.width / 2) / half, up = (box.top + box.height / 2 - event.clientY) / half;
  return Math.abs(right) <= 1 && Math.abs(up) * shape <= 1 ? [right, up] : null;
}

const clamp = (value) => Math.max(-1, Math.min(1, value));
const distance = (fingers) => {
  const [a, b] = [...fingers.values()];
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
};

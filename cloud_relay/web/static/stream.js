/** The ways for a picture to reach the page: WebRTC and one still a second; JPEGs are in stills.js. ladder.js chooses. */

import { api } from "./api.js";
import { connectionOf, takeStill } from "./connection.js";

export const CONNECT_MS = 6000;
const SILENT_MS = 5000;
const STILL_MS = 1000, STILL_WIDTH_PX = 320, STILLS_WIDTH_PX = 640;
const POOR_MS = 8000, POOR_FRAMES = 16; // fewer in that time is no film

/** A way that this network does not carry; any other error is the shop's or the relay's answer. */
export class NoWayError extends Error {}

/** The live picture: a connection that a press has begun, or a new one, shown in the page. */
export class WebRtcStream {
  constructor(sessionId, { video }, hooks) {
    Object.assign(this, { sessionId, video, hooks });
  }

  async open() {
    const own = (this.connection = connectionOf(this.sessionId));
    await own.opened;
    if (this.closed) return;
    own.onMessage = this.hooks.onMessage;
    own.heard.splice(0).forEach(own.onMessage);
    own.playIn(this.video);
    await this.firstFrame();
    this.hooks.onFirstFrame(Math.round(performance.now() - own.startedAt));
    this.watch();
  }

  firstFrame() {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new NoWayError("no picture")), CONNECT_MS);
      const look = () => this.peer.connectionState === "failed" && reject(new NoWayError("no connection"));
      this.peer.onconnectionstatechange = look;
      look();
      if (this.video.getVideoPlaybackQuality().totalVideoFrames) resolve();
      this.video.requestVideoFrameCallback(() => { clearTimeout(timer); resolve(); });
    });
  }

  /** A picture that stands still for SILENT_MS, or moves by jerks for longer, is no live picture: the ladder is told. */
  watch() {
    let last = performance.now(), frames = 0, since = last;
    const seen = () => {
      last = performance.now();
      frames += 1;
      this.hooks.onSeen?.();
      if (!this.closed) this.video.requestVideoFrameCallback(seen);
    };
    this.video.requestVideoFrameCallback(seen);
    const ice = this.peer.getReceivers()[0]?.transport?.iceTransport;
    if (ice) ice.onselectedcandidatepairchange = () => this.hooks.onRoute?.(); // a better way was found, or this one was lost
    this.timer = setInterval(() => {
      const now = performance.now();
      if (document.visibilityState !== "visible") last = since = now, frames = 0;
      else if (now - last > SILENT_MS) this.hooks.onLost("silent");
      else if (now - since > POOR_MS) {
        if (frames < POOR_FRAMES) this.hooks.onLost("poor");
        since = now;
        frames = 0;
      }
    }, 1000);
  }

  get peer() { return this.connection?.peer; }

  route() { return this.connection.route(); }

  send(steering, isMotion) {
    const channel = isMotion ? this.connection?.motion : this.connection?.control;
    if (channel?.readyState === "open") channel.send(JSON.stringify(steering));
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    this.connection?.close();
  }
}

/** Steering by requests: one on its way, only the newest wish waits, and a stop waits for nothing. */
export class SteeringByRequest {
  constructor(sessionId) {
    this.address = `/api/viewing/${sessionId}/steer`;
  }

  send(steering) {
    if (steering.kind === "stop") { this.next = null; this.post(steering); }
    else if (!this.isBusy) this.post(steering);
    else if (steering.kind !== "beat") this.next = steering; // a request on its way is a sign of life as good as a beat
  }

  async post(steering) {
    this.isBusy = true;
    await api("POST", this.address, steering).catch(() => {});
    this.isBusy = false;
    const next = this.next;
    this.next = null;
    if (next) this.post(next);
  }
}

/** Show the JPEG at an object's address and let go of it. */
export async function show(image, address) {
  if (image.src !== address) image.src = address;
  await image.decode().catch(() => {});
  URL.revokeObjectURL(address);
}

export const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One small still a second: the first thing a page shows, and the last that it falls back to. Never gives up. */
export class OneStillStream {
  constructor(sessionId, { image }, hooks) {
    Object.assign(this, { sessionId, image, hooks, steering: new SteeringByRequest(sessionId) });
  }

  /** Resolves with the first still; a network that is away for a while only makes the picture older. */
  open() {
    return new Promise((resolve) => {
      let isFirst = true;
      this.run((ageMs) => { if (isFirst) this.hooks.onFirstFrame(null, ageMs); isFirst = false; resolve(); });
    });
  }

  async run(onShown) {
    let width = STILLS_WIDTH_PX; // the first one is looked at longest
    while (!this.closed) {
      const asked = performance.now(), kept = takeStill(this.sessionId);
      const response = kept ? null : await fetch(`/api/viewing/${this.sessionId}/still.jpg?width_px=${width}`).catch(() => null);
      const blob = response?.ok && await response.blob().catch(() => null);
      if (this.closed) return;
      if (kept || blob) {
        await show(this.image, kept?.address ?? URL.createObjectURL(blob));
        if (this.closed) return;
        const ageMs = kept?.ageMs ?? 1000 * Number(response.headers.get("Vitrine-Age") ?? 0); // the first may be one that the shop had kept
        onShown(ageMs);
        this.hooks.onSeen?.(ageMs);
      }
      const tookMs = performance.now() - asked;
      width = tookMs < STILL_MS / 3 ? STILLS_WIDTH_PX : STILL_WIDTH_PX;
      await rest(Math.max(STILL_MS - tookMs, 100));
    }
  }

  send(steering) { this.steering.send(steering); }

  close() { this.closed = true; }
}

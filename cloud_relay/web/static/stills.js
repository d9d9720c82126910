/** JPEGs through the relay, for a page that no direct picture reaches; loaded by those alone. */

import { api } from "./api.js";
import { newPass } from "./connection.js";
import { CONNECT_MS, NoWayError, SteeringByRequest, WebRtcStream, rest, show } from "./stream.js";

const CREDIT = "credit";
const WIDTH_PX = 640;
const SLOW_MS = 700, SLOW_TIMES = 3; // so many JPEGs in a row that took so long: a smaller one a second shows more

/** JPEGs through the relay: the next one is asked for when the last one is shown; on a WebSocket, or by polling. */
export class StillsStream {
  constructor(sessionId, { image }, hooks) {
    Object.assign(this, { sessionId, image, hooks, slow: 0, steering: new SteeringByRequest(sessionId) });
  }

  async open() {
    const grant = await newPass(this.sessionId);
    await api("POST", `/api/viewing/${this.sessionId}/stills`, { viewing_pass: grant.pass, width_px: WIDTH_PX });
    const started = performance.now();
    await new Promise((resolve, reject) => {
      this.first = resolve;
      setTimeout(() => reject(new NoWayError("no picture")), 2 * CONNECT_MS);
      this.listen();
    });
    this.hooks.onFirstFrame(Math.round(performance.now() - started));
    this.timer = setInterval(() => {
      if (performance.now() - this.shownAt > 2 * CONNECT_MS && document.visibilityState === "visible") this.hooks.onLost("silent");
    }, 1000);
  }

  listen() {
    const address = new URL(`/api/viewing/${this.sessionId}/frames`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(address));
    socket.binaryType = "blob";
    let asked = 0;
    const credit = () => { asked = performance.now(); if (socket.readyState === WebSocket.OPEN) socket.send(CREDIT); };
    // some networks let the socket open and nothing through it
    const mute = setTimeout(() => socket.close(), CONNECT_MS);
    socket.onopen = credit;
    socket.onclose = () => { clearTimeout(mute); if (!this.closed) this.poll(0); };
    socket.onmessage = async (message) => {
      clearTimeout(mute);
      if (message.data.size) await this.take(message.data, performance.now() - asked);
      credit();
    };
  }

  async take(blob, tookMs) {
    await show(this.image, URL.createObjectURL(blob));
    this.shownAt = performance.now();
    this.first();
    this.hooks.onSeen?.();
    this.slow = tookMs > SLOW_MS ? this.slow + 1 : 0;
    if (this.slow >= SLOW_TIMES) this.hooks.onLost("poor");
  }

  async poll(after) {
    this.way = "poll";
    while (!this.closed) {
      const asked = performance.now();
      const response = await fetch(`/api/viewing/${this.sessionId}/frame.jpg?after=${after}`).catch(() => null);
      const blob = response?.ok ? await response.blob().catch(() => null) : null;
      if (!blob) await rest(1000);
      else { after = Number(response.headers.get("Vitrine-Frame")); await this.take(blob, performance.now() - asked); }
    }
  }

  send(steering) { this.steering.send(steering); }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    this.socket?.close();
  }
}

/** Open the best way there is, without the ladder: for the merchant, who teaches on a good network or not at all. */
export async function openStream(sessionId, places, hooks, preferred) {
  if (preferred !== "stills" && "RTCPeerConnection" in window) {
    const direct = new WebRtcStream(sessionId, places, hooks);
    try {
      await direct.open();
      return { way: "webrtc", stream: direct };
    } catch (error) {
      direct.close();
      console.info("direct picture not possible:", error.message);
    }
  }
  const stills = new StillsStream(sessionId, places, hooks);
  await stills.open();
  return { way: "stills", stream: stills };
}

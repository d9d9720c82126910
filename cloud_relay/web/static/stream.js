/** One way for the picture to reach the page: WebRTC by WHEP, else JPEGs on a WebSocket, else one still after another. */

import { api } from "./api.js";

const CONNECT_MS = 6000;
const SILENT_MS = 5000;
const CREDIT = "credit";

async function newPass(sessionId) {
  return api("POST", `/api/viewing/${sessionId}/pass`, {});
}

/** WHEP: the offer goes at once, candidates follow by PATCH; waiting for Chromium to gather would cost 100 ms and more. */
class WebRtcStream {
  constructor(sessionId, video, hooks) {
    Object.assign(this, { sessionId, video, hooks, pending: [] });
  }

  async open() {
    const grant = await newPass(this.sessionId);
    this.authorization = `Bearer ${grant.pass}`;
    const peer = (this.peer = new RTCPeerConnection({ iceServers: grant.ice_servers ?? [] }));
    const transceiver = peer.addTransceiver("video", { direction: "recvonly" });
    this.motion = peer.createDataChannel("motion", { ordered: false, maxRetransmits: 0 });
    this.control = peer.createDataChannel("control");
    this.control.onmessage = (message) => this.hooks.onMessage(JSON.parse(message.data));
    peer.onicecandidate = (event) => event.candidate && this.trickle(event.candidate);
    peer.ontrack = (event) => { this.video.srcObject = new MediaStream([event.track]); this.video.play().catch(() => {}); };
    const started = performance.now();
    await peer.setLocalDescription(await peer.createOffer());
    const response = await fetch(grant.whep_url, {
      method: "POST", body: peer.localDescription.sdp,
      headers: { "Content-Type": "application/sdp", Authorization: this.authorization },
    });
    if (response.status !== 201) throw new Error((await response.json().catch(() => ({}))).title ?? `HTTP ${response.status}`);
    this.url = response.headers.get("Location");
    await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
    this.pending.splice(0).forEach((candidate) => this.trickle(candidate));
    await this.firstFrame(transceiver.receiver);
    this.hooks.onFirstFrame(Math.round(performance.now() - started));
    this.watch();
  }

  firstFrame() {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no picture")), CONNECT_MS);
      this.peer.onconnectionstatechange = () => this.peer.connectionState === "failed" && reject(new Error("no connection"));
      this.video.requestVideoFrameCallback(() => { clearTimeout(timer); resolve(); });
    });
  }

  /** A picture that stands still for SILENT_MS is no live picture: say so, and let the ladder try again. */
  watch() {
    let last = performance.now();
    const seen = () => { last = performance.now(); if (!this.closed) this.video.requestVideoFrameCallback(seen); };
    this.video.requestVideoFrameCallback(seen);
    this.timer = setInterval(() => {
      if (performance.now() - last > SILENT_MS && document.visibilityState === "visible") this.hooks.onLost();
    }, 1000);
  }

  trickle(candidate) {
    if (candidate.candidate.includes(".local ")) return;
    if (!this.url) return void this.pending.push(candidate);
    const ufrag = candidate.usernameFragment ? `a=ice-ufrag:${candidate.usernameFragment}\r\n` : "";
    const body = `${ufrag}m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:${candidate.sdpMid ?? 0}\r\na=${candidate.candidate}\r\n`;
    const headers = { "Content-Type": "application/trickle-ice-sdpfrag", Authorization: this.authorization };
    fetch(this.url, { method: "PATCH", body, headers }).catch(() => {});
  }

  send(steering, isMotion) {
    const channel = isMotion ? this.motion : this.control;
    if (channel?.readyState === "open") channel.send(JSON.stringify(steering));
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    this.peer?.close();
    if (this.url) fetch(this.url, { method: "DELETE", headers: { Authorization: this.authorization }, keepalive: true }).catch(() => {});
  }
}

/** JPEGs through the relay: the next one is asked for when the last one is shown. */
class StillsStream {
  constructor(sessionId, image, hooks) {
    Object.assign(this, { sessionId, image, hooks });
  }

  async open() {
    const grant = await newPass(this.sessionId);
    await api("POST", `/api/viewing/${this.sessionId}/stills`, { viewing_pass: grant.pass, width_px: 640 });
    const address = new URL(`/api/viewing/${this.sessionId}/frames`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no picture")), CONNECT_MS);
      this.socket = new WebSocket(address);
      this.socket.binaryType = "blob";
      this.socket.onopen = () => this.socket.send(CREDIT);
      this.socket.onerror = () => reject(new Error("no socket"));
      this.socket.onclose = () => !this.closed && this.poll(0);
      this.socket.onmessage = async (message) => {
        if (message.data.size) { await this.show(message.data); clearTimeout(timer); resolve(); }
        if (this.socket.readyState === WebSocket.OPEN) this.socket.send(CREDIT);
      };
    }).catch(() => this.poll(0));
    this.hooks.onFirstFrame(null);
  }

  async show(blob) {
    const address = URL.createObjectURL(blob);
    this.image.src = address;
    await this.image.decode().catch(() => {});
    URL.revokeObjectURL(address);
  }

  async poll(after) {
    this.socket?.close();
    while (!this.closed) {
      const response = await fetch(`/api/viewing/${this.sessionId}/frame.jpg?after=${after}`).catch(() => null);
      if (response?.ok) { after = Number(response.headers.get("Vitrine-Frame")); await this.show(await response.blob()); }
      else await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  send(steering) {
    api("POST", `/api/viewing/${this.sessionId}/steer`, steering).catch(() => {});
  }

  close() {
    this.closed = true;
    this.socket?.close();
  }
}

/** Open the best way there is; `preferred` "stills" is the shopper's own choice and sticks for this session. */
export async function openStream(sessionId, places, hooks, preferred) {
  if (preferred !== "stills" && "RTCPeerConnection" in window) {
    const direct = new WebRtcStream(sessionId, places.video, hooks);
    try {
      await direct.open();
      return { way: "webrtc", stream: direct };
    } catch (error) {
      direct.close();
      console.info("direct picture not possible:", error.message);
    }
  }
  const stills = new StillsStream(sessionId, places.image, hooks);
  await stills.open();
  return { way: "stills", stream: stills };
}

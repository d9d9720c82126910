/** A connection to the shop by WHEP, and what comes before there is a page to show it: an offer, the first pass and still. */

import { api } from "./api.js";

const FRESH_MS = 10000; // a pass lives longer; one that lay for so long belongs to a page that waited

/** The shop's answer brings the first pass along, and the first still. What it answered to an offer connects at once: a
 * page that a press asked for may not be shown yet (ask.js).
 */
let given = null, firstStill = null, begun = null;
export function keepFirst({ session_id: sessionId, grant, still }) {
  if (begun?.sessionId === sessionId) return;
  given = grant && { sessionId, grant, at: performance.now() };
  firstStill = still && { sessionId, address: addressOf(still.jpeg), ageMs: 1000 * still.age_s };
  if (!early || !grant?.answer_sdp) return;
  begun = new Connection(sessionId).open();
}

/** Have a JPEG decoded before it is shown. */
function addressOf(base64) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([Uint8Array.from(atob(base64), (one) => one.charCodeAt())]));
  image.decode().catch(() => {});
  return image.src;
}

/** Put the first still into a looking page that is about to be shown, and the moving picture as soon as it is. */
export function putFirst(page) {
  const [image, poster, video] = ["image", "poster", "video"].map((part) => page.querySelector(`[data-part=${part}]`));
  document.addEventListener("entered", () => begun?.playIn(video), { once: true });
  if (!firstStill || !image) return;
  image.src = firstStill.address;
  image.hidden = false;
  poster.hidden = true;
}

/** The still that came along, once. */
export function takeStill(sessionId) {
  const still = firstStill?.sessionId === sessionId ? firstStill : null;
  firstStill = null;
  return still;
}

/** The connection that a press has begun, or a new one. */
export function connectionOf(sessionId) {
  const own = begun?.sessionId === sessionId ? begun : new Connection(sessionId).open();
  if (own !== begun) begun?.close();
  begun = null;
  return own;
}

export async function newPass(sessionId, isForStream = false) {
  const isFresh = given?.sessionId === sessionId && performance.now() - given.at < FRESH_MS;
  const own = isFresh && (isForStream || !given.grant.stream_url) ? given.grant : null; // one with a stream is used
  given = null;
  return own ?? api("POST", `/api/viewing/${sessionId}/pass`, {});
}

/** A connection's end here, all of it that needs nobody's answer. */
function newEnd(configuration) {
  const peer = new RTCPeerConnection(configuration);
  const transceiver = peer.addTransceiver("video", { direction: "recvonly" });
  const motion = peer.createDataChannel("motion", { ordered: false, maxRetransmits: 0 }), control = peer.createDataChannel("control");
  const offer = peer.createOffer();
  offer.catch(() => {}); // who waits for it hears of it
  return { peer, transceiver, motion, control, offer };
}

/** Made while the shop is asked, or before, for the first stream of the page; a browser that can't fails again when it
 * is needed. Resolves to the offer, which may go along with the ask. */
let early = null;
export async function prepare() {
  try { early ??= window.RTCPeerConnection && !begun ? newEnd() : null; } catch { /* the ladder has other rungs */ }
  return (await early?.offer)?.sdp ?? "";
}

/** The way began with another rung, or with none: what was made early is let go. */
export function letGo() {
  early?.peer.close();
  begun?.close();
  early = begun = null;
}

/** The early end if its servers can still be told to it, else a new one that knows them from the beginning. */
function endFor(iceServers) {
  const kept = early;
  early = null;
  if (!kept?.peer.setConfiguration) { kept?.peer.close(); return newEnd({ iceServers }); }
  kept.peer.setConfiguration({ iceServers });
  return { ...kept, isEarly: true };
}

/** WHEP: the offer goes at once, candidates follow by PATCH; waiting for Chromium to gather would cost 100 ms and more. */
class Connection {
  constructor(sessionId) {
    Object.assign(this, { sessionId, pending: [], heard: [], startedAt: performance.now() });
    this.onMessage = (message) => this.heard.push(message);
  }

  /** Begin; `opened` says how it went. */
  open() {
    this.opened = this.connect();
    this.opened.catch(() => {}); // who waits for it hears of it
    return this;
  }

  async connect() {
    const grant = await newPass(this.sessionId, true);
    if (this.closed) return;
    this.authorization = `Bearer ${grant.pass}`;
    const { peer, transceiver, motion, control, offer, isEarly } = endFor(grant.ice_servers ?? []);
    Object.assign(this, { peer, motion, control, track: transceiver.receiver.track });
    control.onmessage = (message) => this.onMessage(JSON.parse(message.data));
    peer.onicecandidate = (event) => event.candidate && this.trickle(event.candidate);
    this.startedAt = performance.now();
    await peer.setLocalDescription(await offer);
    const sdp = (isEarly && await this.takeAnswer(grant)) || await this.offer(grant);
    await peer.setRemoteDescription({ type: "answer", sdp });
    this.pending.splice(0).forEach((candidate) => this.trickle(candidate));
  }

  playIn(video) {
    if (!this.track || video.srcObject?.getTracks().includes(this.track)) return;
    video.srcObject = new MediaStream([this.track]);
    video.play().catch(() => {});
  }

  /** The answer to the offer that went along with the ask; null when none did, or it is lost. */
  async takeAnswer({ stream_url: url, answer_sdp: sdp }) {
    this.url = url;
    if (sdp) return sdp;
    const response = url && await fetch(url, { headers: { Authorization: this.authorization } });
    if (response?.ok) return response.text();
    this.url = null;
    return null;
  }

  async offer(grant) {
    if (grant.stream_url) { // its pass went with the ask
      grant = await newPass(this.sessionId);
      this.authorization = `Bearer ${grant.pass}`;
    }
    const response = await fetch(grant.whep_url, {
      method: "POST", body: this.peer.localDescription.sdp,
      headers: { "Content-Type": "application/sdp", Authorization: this.authorization },
    });
    if (response.status !== 201) throw new Error((await response.json().catch(() => ({}))).title ?? `HTTP ${response.status}`);
    this.url = response.headers.get("Location");
    return response.text();
  }

  /** "turn" when the pictures go through a TURN server, else "direct". */
  async route() {
    const stats = await this.peer.getStats(), all = [...stats.values()];
    const chosen = all.find((one) => one.type === "transport")?.selectedCandidatePairId; // not every browser names it
    const pair = stats.get(chosen) ?? all.find((one) => one.type === "candidate-pair" && one.nominated && one.state === "succeeded");
    const kinds = [stats.get(pair?.localCandidateId), stats.get(pair?.remoteCandidateId)];
    return kinds.some((one) => one?.candidateType === "relay") ? "turn" : "direct";
  }

  trickle(candidate) {
    if (candidate.candidate.includes(".local ")) return;
    if (!this.url) return void this.pending.push(candidate);
    const ufrag = candidate.usernameFragment ? `a=ice-ufrag:${candidate.usernameFragment}\r\n` : "";
    const body = `${ufrag}m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:${candidate.sdpMid ?? 0}\r\na=${candidate.candidate}\r\n`;
    const headers = { "Content-Type": "application/trickle-ice-sdpfrag", Authorization: this.authorization };
    fetch(this.url, { method: "PATCH", body, headers }).catch(() => {});
  }

  close() {
    this.closed = true;
    this.peer?.close();
    if (this.url) fetch(this.url, { method: "DELETE", headers: { Authorization: this.authorization }, keepalive: true }).catch(() => {});
  }
}

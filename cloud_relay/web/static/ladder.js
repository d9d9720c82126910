/** Never black: a still at once, then the best picture that this network carries, and one rung down when it fails. */

import { t } from "./api.js";
import { letGo } from "./connection.js";
import { NoWayError, OneStillStream, WebRtcStream } from "./stream.js";

export const RUNGS = ["webrtc", "stills", "still"];
const KINDS = { webrtc: async () => WebRtcStream, stills: async () => (await import("./stills.js")).StillsStream };
const AGAIN_MS = 60000; // lost twice within this time: one rung down; so the rung changes at most once a minute
const OLD_MS = 2500; // a picture older than this says so

const WORDS = {
  opening: ["opening the picture…", "正在打开画面……"], direct: ["live, direct", "实时直连"], turn: ["live, through a relay server", "实时，经中继服务器"],
  stills: ["pictures through the relay", "图片，经平台转发"], still: ["one still a second", "每秒一张图"],
};

/** What was chosen by hand stays with this browser, what the ladder found out stays with this tab; both for one shop. */
const places = () => [localStorage, sessionStorage];
const key = (shopId) => `vitrine-way:${shopId}`;

function read(shopId) {
  try {
    for (const place of places()) if (RUNGS.includes(place.getItem(key(shopId)))) return place.getItem(key(shopId));
  } catch { /* a browser that keeps nothing begins at the top */ }
  return null;
}

export function chosenByHand(shopId) {
  try { return localStorage.getItem(key(shopId)); } catch { return null; }
}

/** Keep a choice for the next ladder of this shop: a rung, or null for the best there is. */
export const keepChoice = (shopId, way) => write(shopId, way, Boolean(way));

function write(shopId, way, isByHand) {
  try {
    if (isByHand || way === null) localStorage.removeItem(key(shopId));
    sessionStorage.removeItem(key(shopId));
    if (way) places()[isByHand ? 0 : 1].setItem(key(shopId), way);
  } catch { /* as above: it is tried anew each time */ }
}

export class Ladder {
  /** @param hooks {onMessage(message), onPicture(way, firstFrameMs), onWords(text, isLate)} */
  constructor(sessionId, shopId, pictures, hooks) {
    Object.assign(this, { sessionId, shopId, pictures, hooks, way: "opening", route: "", seenAt: 0, lostAt: -AGAIN_MS });
    this.run = 0;
    this.timer = setInterval(() => this.tell(), 1000);
    this.climb();
  }

  /** Begin at the rung that is remembered; stills come until something better does. */
  async climb() {
    this.end();
    const run = (this.run += 1);
    const isOld = () => run !== this.run;
    this.say("opening");
    const still = (this.still = new OneStillStream(this.sessionId, this.pictures, this.hooksOf(run, "still")));
    const hasStill = still.open();
    const start = RUNGS.indexOf(read(this.shopId) ?? (window.RTCPeerConnection ? "webrtc" : "stills"));
    if (start) letGo();
    for (const way of RUNGS.slice(start, -1)) {
      const Kind = await KINDS[way]().catch(() => null); // a network that is away for a while: the still goes on
      if (isOld()) return;
      if (!Kind) continue;
      const stream = (this.stream = new Kind(this.sessionId, this.pictures, this.hooksOf(run, way)));
      try {
        await stream.open();
      } catch (error) {
        stream.close();
        if (isOld()) return;
        console.info(`${way} not possible:`, error.message);
        if (error instanceof NoWayError) this.stepDown(way);
        continue;
      }
      if (isOld()) return stream.close();
      still.close();
      if (way === "webrtc") await this.askRoute(stream);
      if (!isOld()) this.say(way);
      return;
    }
    this.stream = still;
    await hasStill;
    if (!isOld()) this.say("still");
  }

  async askRoute(stream) {
    this.route = await stream.route().catch(() => "direct");
  }

  hooksOf(run, way) {
    const isOn = () => run === this.run && !this.isClosed;
    return {
      onMessage: (message) => isOn() && this.hooks.onMessage(message),
      onSeen: (ageMs = 0) => { if (isOn()) this.seenAt = performance.now() - ageMs; },
      onFirstFrame: (ms, ageMs = 0) => { if (isOn()) { this.seenAt = performance.now() - ageMs; this.hooks.onPicture(way, ms); this.tell(); } },
      onRoute: () => isOn() && this.askRoute(this.stream).then(() => isOn() && this.tell()),
      onLost: (why) => isOn() && this.lost(way, why),
    };
  }

  /** Once may be a change of network: the same rung is tried again. Twice in a minute, or a film by jerks: one down. */
  lost(way, why) {
    const now = performance.now();
    if (why === "poor" && chosenByHand(this.shopId)) return;
    if (why === "poor" || now - this.lostAt < AGAIN_MS) this.stepDown(way);
    this.lostAt = now;
    this.climb();
  }

  stepDown(way) {
    if (!chosenByHand(this.shopId)) write(this.shopId, RUNGS[RUNGS.indexOf(way) + 1], false);
  }

  /** The shopper's own choice: a rung, or null for the best there is. */
  choose(way) {
    keepChoice(this.shopId, way);
    this.lostAt = -AGAIN_MS;
    this.climb();
  }

  say(way) {
    this.way = way;
    this.tell();
  }

  tell() {
    const age = this.seenAt ? performance.now() - this.seenAt : 0;
    const seconds = Math.round(age / 1000), isLate = age > OLD_MS;
    const words = t(...WORDS[this.way === "webrtc" ? this.route : this.way]);
    this.hooks.onWords(this.way, isLate ? `${words} · ${t(`${seconds} s old`, `${seconds} 秒前`)}` : words, isLate);
  }

  send(steering, isMotion) { (this.way === "opening" ? this.still : this.stream)?.send(steering, isMotion); }

  end() {
    this.still?.close();
    this.stream?.close();
  }

  close() {
    this.isClosed = true;
    this.run += 1;
    clearInterval(this.timer);
    this.end();
  }
}

/** Reads codes off a video: with the browser's own reader where it has one, else the relay reads small grey pictures. */

import { api } from "./api.js";

const EVERY_MS = 150;
const ASK_EVERY_MS = 500; // a look costs 58 kB
const SIDE_PX = 240; // code_pictures.py says why
export const PARCEL_CODES = ["qr_code", "code_128", "data_matrix"];
export const TAG_CODES = ["qr_code", "ean_13", "ean_8", "upc_a", "code_128", "data_matrix"];

/** A reader of codes on the video element, or null where there is no camera to ask for: then codes are typed. */
export async function readerOn(video, formats = PARCEL_CODES) {
  if (!navigator.mediaDevices?.getUserMedia) return null;
  return new Reader(video, (await ownDetector(formats)) ?? new RelayDetector());
}

async function ownDetector(formats) {
  if (!("BarcodeDetector" in window)) return null;
  const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
  const asked = formats.filter((format) => known.includes(format));
  return asked.includes("qr_code") ? new BarcodeDetector({ formats: asked }) : null;
}

/** The same `detect`, by the relay: the middle square of the picture, in turn the whole of it and its inner half. */
class RelayDetector {
  constructor() {
    this.everyMs = ASK_EVERY_MS;
    this.isNear = false;
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE_PX, height: SIDE_PX });
    this.pen = canvas.getContext("2d", { willReadFrequently: true });
  }

  async detect(video) {
    if (!video.videoWidth) return [];
    this.isNear = !this.isNear;
    const side = Math.min(video.videoWidth, video.videoHeight) * (this.isNear ? 0.5 : 1);
    this.pen.drawImage(video, (video.videoWidth - side) / 2, (video.videoHeight - side) / 2, side, side, 0, 0, SIDE_PX, SIDE_PX);
    const form = new FormData();
    form.set("pixels", new Blob([grey(this.pen.getImageData(0, 0, SIDE_PX, SIDE_PX).data)]));
    const { codes } = await api("POST", "/api/codes", form);
    return codes.map((rawValue) => ({ rawValue }));
  }
}

/** Luma of ITU-R BT.601, one byte a pixel. */
function grey(rgba) {
  const luma = new Uint8Array(rgba.length / 4);
  for (let at = 0; at < luma.length; at += 1) luma[at] = 0.299 * rgba[4 * at] + 0.587 * rgba[4 * at + 1] + 0.114 * rgba[4 * at + 2];
  return luma;
}

class Reader {
  constructor(video, detector) {
    this.video = video;
    this.detector = detector;
    this.tracks = [];
  }

  get isOn() { return this.tracks.length > 0; }

  /** Look until `take(text)` answers true; throws when the camera cannot be had. */
  async start(take) {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    this.tracks = stream.getTracks();
    this.video.srcObject = stream;
    await this.video.play();
    this.look(take);
  }

  async look(take) {
    if (!this.isOn) return;
    const found = await this.detector.detect(this.video).catch(() => []);
    if (found.length && this.isOn && take(found[0].rawValue)) return;
    setTimeout(() => this.look(take), this.detector.everyMs ?? EVERY_MS);
  }

  stop() {
    this.tracks.forEach((track) => track.stop());
    this.tracks = [];
  }
}

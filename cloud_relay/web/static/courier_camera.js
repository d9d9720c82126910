/** The phone's camera: reads codes where the browser can, and makes photos small enough to be sent from a stairwell. */

const FORMATS = ["qr_code", "code_128", "data_matrix"];
const SIDE_PX = 1600, QUALITY = 0.8;

/** A reader of codes on the video element, or null where the browser has none: then codes are typed. */
export async function readerOn(video) {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return null;
  const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
  const formats = FORMATS.filter((format) => known.includes(format));
  return formats.length ? new Reader(video, new BarcodeDetector({ formats })) : null;
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
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    this.tracks = stream.getTracks();
    this.video.srcObject = stream;
    await this.video.play();
    this.look(take);
  }

  async look(take) {
    if (!this.isOn) return;
    const found = await this.detector.detect(this.video).catch(() => []);
    if (found.length && take(found[0].rawValue)) return;
    setTimeout(() => this.look(take), 150);
  }

  stop() {
    this.tracks.forEach((track) => track.stop());
    this.tracks = [];
  }
}

/** Make a photo small; what this browser cannot draw (HEIC) goes as it is, and the relay judges. */
export async function shrink(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!bitmap) return file;
  const scale = Math.min(1, SIDE_PX / Math.max(bitmap.width, bitmap.height));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const small = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return small ?? file;
}

/** One "take a photo" place of the page: its file field, the small picture, the way back. */
export class Photo {
  constructor(place) {
    this.file = place.querySelector("[data-part=photo-file]");
    this.shown = place.querySelector("[data-part=photo-shown]");
    this.away = place.querySelector("[data-part=photo-drop]");
    this.blob = null;
    this.file.addEventListener("change", () => this.file.files[0] && this.take(this.file.files[0]));
    this.away.addEventListener("click", () => { this.clear(); this.file.focus(); });
  }

  async take(file) {
    this.clear();
    this.blob = await shrink(file);
    this.shown.src = URL.createObjectURL(this.blob);
    this.shown.hidden = this.away.hidden = false;
  }

  clear() {
    if (this.blob) URL.revokeObjectURL(this.shown.src);
    this.blob = null;
    this.shown.hidden = this.away.hidden = true;
    this.shown.removeAttribute("src");
    if (this.file.files.length) this.file.value = "";
  }
}

/** Reads codes off a video: with the browser's own reader where it has one, else with the packaged one (WebAssembly). */

const EVERY_MS = 150;
const SIDE_PX_MAX = 1280; // a phone's full frame costs time and finds no more
/** The formats asked for, as BarcodeDetector and as the packaged reader call them. */
const NAMES = { qr_code: "QRCode", data_matrix: "DataMatrix", code_128: "Code128", ean_13: "EAN13", ean_8: "EAN8", upc_a: "UPCA" };
export const PARCEL_CODES = ["qr_code", "code_128", "data_matrix"];
export const TAG_CODES = ["qr_code", "ean_13", "ean_8", "upc_a", "code_128", "data_matrix"];

/** A reader of codes on the video element, or null where there is no camera to ask for: then codes are typed. */
export async function readerOn(video, formats = PARCEL_CODES) {
  if (!navigator.mediaDevices?.getUserMedia) return null;
  return new Reader(video, (await ownDetector(formats)) ?? new PackagedDetector(formats));
}

async function ownDetector(formats) {
  if (!("BarcodeDetector" in window)) return null;
  const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
  const asked = formats.filter((format) => known.includes(format));
  return asked.includes("qr_code") ? new BarcodeDetector({ formats: asked }) : null;
}

/** The same `detect` by zxing-cpp; a megabyte that is fetched when somebody first scans. */
class PackagedDetector {
  constructor(formats) {
    this.formats = formats.map((format) => NAMES[format]);
    this.canvas = document.createElement("canvas");
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  async detect(video) {
    const zxing = await packaged();
    const scale = Math.min(1, SIDE_PX_MAX / Math.max(video.videoWidth, video.videoHeight));
    Object.assign(this.canvas, { width: Math.round(video.videoWidth * scale), height: Math.round(video.videoHeight * scale) });
    if (!this.canvas.width) return [];
    this.pen.drawImage(video, 0, 0, this.canvas.width, this.canvas.height);
    const pixels = this.pen.getImageData(0, 0, this.canvas.width, this.canvas.height);
    const found = await zxing.readBarcodes(pixels, { formats: this.formats, tryHarder: true, maxNumberOfSymbols: 1 });
    return found.filter((one) => one.isValid).map((one) => ({ rawValue: one.text }));
  }
}

let loading = null;
function packaged() {
  loading ??= new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: new URL("./zxing_reader.js", import.meta.url).href });
    script.addEventListener("load", () => resolve(prepare()));
    script.addEventListener("error", () => { loading = null; reject(new Error("the reader of codes could not be fetched")); });
    document.head.append(script);
  });
  return loading;
}

async function prepare() {
  const locateFile = (name) => new URL(`./${name}`, import.meta.url).href;
  await globalThis.ZXingWASM.prepareZXingModule({ overrides: { locateFile }, fireImmediately: true });
  return globalThis.ZXingWASM;
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
    setTimeout(() => this.look(take), EVERY_MS);
  }

  stop() {
    this.tracks.forEach((track) => track.stop());
    this.tracks = [];
  }
}

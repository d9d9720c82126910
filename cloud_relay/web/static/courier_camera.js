/** The phone's camera as a courier uses it: photos small enough to be sent from a stairwell. */

const SIDE_PX = 1600, QUALITY = 0.8;

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

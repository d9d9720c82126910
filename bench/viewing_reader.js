/**
 * Runs in a page before its own scripts and notes, for every live picture with a time strip that the page shows (video or
 * img), when a script could first see it. The strip is described in drivers/simulators/time_strip.py.
 */
(() => {
  const CELLS = 80, TICKS_PER_MS = 10, ROUND = 2 ** 32, STALE_MS = 60_000;
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const wall = () => performance.timeOrigin + performance.now();
  const bench = (window.vitrineBench = { frames: [], still_ms: null, first_ms: null, key_ms: null });

  function crc(bytes) {
    let sum = 0xffff;
    for (const byte of bytes) {
      sum ^= byte << 8;
      for (let bit = 0; bit < 8; bit++) sum = (sum & 0x8000 ? (sum << 1) ^ 0x1021 : sum << 1) & 0xffff;
    }
    return sum;
  }

  /** Returns [milliseconds since it was taken, number, pan in degrees], or null when there is no strip. */
  function read(source, width, seen_ms) {
    const row = Math.floor(width / CELLS / 2);
    if (row < 1) return null;
    if (canvas.width !== width) [canvas.width, canvas.height] = [width, 1];
    pen.drawImage(source, 0, row, width, 1, 0, 0, width, 1);
    const pixels = pen.getImageData(0, 0, width, 1).data, bytes = new Uint8Array(CELLS / 8);
    for (let cell = 0; cell < CELLS; cell++) {
      const at = 4 * Math.floor(((cell + 0.5) * width) / CELLS);
      if (pixels[at] + pixels[at + 1] + pixels[at + 2] > 3 * 125.5) bytes[cell >> 3] |= 0x80 >> (cell & 7);
    }
    const strip = new DataView(bytes.buffer);
    if (crc(bytes.subarray(0, 8)) !== strip.getUint16(8)) return null;
    const ago = (((seen_ms * TICKS_PER_MS - strip.getUint32(0)) % ROUND) + ROUND * 1.5) % ROUND - ROUND / 2;
    return Math.abs(ago) < STALE_MS * TICKS_PER_MS ? [ago / TICKS_PER_MS, strip.getUint16(4), strip.getInt16(6) / 100] : null;
  }

  /** shown: when the browser gave the picture to be put on the screen, in the page's own time. */
  function note(seen_ms, mark, shown) {
    bench.frames.push([seen_ms, ...mark, performance.timeOrigin + shown]);
  }

  function followVideo(video) {
    video.vitrineBench = true;
    const seen = (_refresh, { presentationTime }) => {
      const seen_ms = wall(), mark = video.videoWidth && read(video, video.videoWidth, seen_ms);
      if (mark) {
        bench.first_ms ??= seen_ms;
        note(seen_ms, mark, presentationTime);
      }
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  }

  let last = -1;
  /** An img has no event for a picture that replaces another: it is read at every animation frame. */
  function readImage(image, refreshed) {
    if (!image.naturalWidth) return;
    const seen_ms = wall(), mark = read(image, image.naturalWidth, seen_ms);
    if (!mark) return;
    bench.still_ms ??= seen_ms;
    if (mark[1] !== last && image.dataset.live !== undefined) note(seen_ms, mark, refreshed);
    last = mark[1];
  }

  /** Ends with the first live picture of a video: a page that asks for every refresh keeps its compositor awake, and each
   *  later picture would wait for the next refresh where a page at rest draws it at once. */
  function lookForImages(refreshed) {
    if (bench.first_ms) return;
    for (const image of document.querySelectorAll("[data-part=stage] img, img[data-live]")) readImage(image, refreshed);
    requestAnimationFrame(lookForImages);
  }
  requestAnimationFrame(lookForImages);

  new MutationObserver(() => {
    for (const video of document.querySelectorAll("video")) if (!video.vitrineBench) followVideo(video);
  }).observe(document, { childList: true, subtree: true });

  addEventListener("pointerdown", (event) => sessionStorage.setItem("vitrine-bench-press", performance.timeOrigin + event.timeStamp), true);
  addEventListener("click", (event) => sessionStorage.setItem("vitrine-bench-click", performance.timeOrigin + event.timeStamp), true);
  addEventListener("keydown", (event) => { if (!event.repeat) bench.key_ms = performance.timeOrigin + event.timeStamp; }, true);
})();

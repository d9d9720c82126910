/** Scans on their way: each is written on the phone first, then sent in order, once, with the time at which it was made. */

import { Refusal, api } from "./api.js";

const NAME = "vitrine-courier", STORE = "scans";

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

let opening = null;
function open() {
  opening ??= (() => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "no", autoIncrement: true });
    return done(request);
  })();
  return opening;
}

async function store(mode, work) {
  const transaction = (await open()).transaction(STORE, mode);
  return done(work(transaction.objectStore(STORE)));
}

export const all = () => store("readonly", (scans) => scans.getAll());
export const drop = (no) => store("readwrite", (scans) => scans.delete(no));
const save = (scan) => store("readwrite", (scans) => scans.put(scan));

/** Keep a scan until the relay has it. `photo` is a Blob or null; the key makes it happen once however often it is sent. */
export async function keep({ link, body, photo, words }) {
  navigator.storage?.persist?.();
  await save({ link, body, photo, words, key: crypto.randomUUID(), why: "" });
}

async function sendPhoto(scan) {
  const form = new FormData();
  form.append("picture", scan.photo, "photo.jpg");
  const { picture_sha256 } = await api("POST", `/api/courier/${scan.link}/pictures`, form);
  await save({ ...scan, photo: null, body: { ...scan.body, picture_sha256 } });
  return { ...scan, photo: null, body: { ...scan.body, picture_sha256 } };
}

/** No answer, a relay that is busy or broken: the scan stays in its place and is sent again. Anything else is final. */
const isForLater = (problem) => !problem.status || problem.status >= 500 || problem.status === 429 || /:request_in_flight$/.test(problem.type ?? "");

async function sendOne(scan) {
  const ready = scan.photo ? await sendPhoto(scan) : scan;
  await api("POST", `/api/courier/${ready.link}/scans`, ready.body, ready.key);
}

async function sendAll() {
  const sent = [], refused = [];
  for (const scan of await all()) {
    if (scan.why) continue;
    try {
      await sendOne(scan);
      await drop(scan.no);
      sent.push(scan);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (isForLater(error.problem)) return { sent, refused, isAway: true };
      const why = [error.problem.title, error.problem.detail].filter(Boolean).join(" — ");
      const [now] = (await all()).filter((one) => one.no === scan.no);
      if (now) await save({ ...now, why });
      refused.push({ ...scan, why });
    }
  }
  return { sent, refused, isAway: false };
}

let running = Promise.resolve();

/** Send what waits, oldest first, in one tab at a time; resolves to what was sent and refused, and whether the relay is away. */
export function send() {
  const work = () => (navigator.locks ? navigator.locks.request(NAME, sendAll) : sendAll());
  const next = running.then(work, work);
  running = next.catch(() => {});
  return next;
}

// The bell: two struck tones by WebAudio, no sound file. Browsers let it ring only after the person touched the page.

let sounds = null;

export function isOn() {
  return sounds !== null && sounds.state === "running";
}

export async function turnOn() {
  sounds = sounds || new AudioContext();
  await sounds.resume();
}

function strike(pitch, at, loudness) {
  const tone = sounds.createOscillator();
  const volume = sounds.createGain();
  tone.type = "sine";
  tone.frequency.value = pitch;
  volume.gain.setValueAtTime(0.0001, at);
  volume.gain.exponentialRampToValueAtTime(loudness, at + 0.01);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + 1.2);
  tone.connect(volume).connect(sounds.destination);
  tone.start(at);
  tone.stop(at + 1.3);
}

export function ring() {
  if (!isOn()) return;
  const now = sounds.currentTime;
  for (const [pitch, after] of [[988, 0], [784, 0.28], [988, 0.9], [784, 1.18]]) strike(pitch, now + after, 0.35);
}

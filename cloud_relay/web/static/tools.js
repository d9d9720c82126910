/** The tools over the picture, loaded when the first of them is pressed: loupe, ruler, true colour. */

const made = {};

/** Open or turn the tool of a button. A tool that is there already opens within the press. */
export async function open(button, { page, seen, stop }) {
  const part = button.dataset.part;
  if (part === "loupe") {
    stop();
    made.loupe ??= new (await import("./loupe.js")).Loupe(page, seen);
    made.loupe.begin();
  } else if (part === "ruler") {
    made.ruler ??= new (await import("./ruler.js")).Ruler(page, seen, Number(button.dataset.viewWidthMm));
    made.ruler.turn();
  } else if (part === "colour") {
    made.colour ??= new (await import("./colour.js")).TrueColour(page, button);
    made.colour.turn();
  }
}

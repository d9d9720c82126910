// Draws a ZPL file: node render.mjs '{"source", "target", "width_mm", "height_mm", "dots_per_mm"}'
import { readFileSync, writeFileSync } from "node:fs";
import { ready } from "zpl-renderer-js";

const job = JSON.parse(process.argv[2]);
const { api } = await ready;
const zpl = readFileSync(job.source, "latin1");
const png = await api.zplToBase64Async(zpl, job.width_mm, job.height_mm, job.dots_per_mm);
writeFileSync(job.target, Buffer.from(png, "base64"));
process.exit(0);

import { encodeJobs } from "../codec-jobs.js";

const { coppice, cborX, fenced } = encodeJobs("text");
export { coppice, cborX as "cbor-x", fenced as "cbor-x-fenced" };

import { decodeJobs } from "../codec-jobs.js";

const { coppice, cborX, fenced } = decodeJobs("text");
export { coppice, cborX as "cbor-x", fenced as "cbor-x-fenced" };

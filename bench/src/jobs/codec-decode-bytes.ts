import { decodeJobs } from "../codec-jobs.js";

const { coppice, cborX, fenced } = decodeJobs("bytes");
export { coppice, cborX as "cbor-x", fenced as "cbor-x-fenced" };

/** Processes of several nodes as one. */

export {};

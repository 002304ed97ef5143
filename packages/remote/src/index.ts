/** Where processes of several nodes will be one. Nothing is here yet. */

export {};

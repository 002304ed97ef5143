/** Behaviours and supervision trees. */

export {};

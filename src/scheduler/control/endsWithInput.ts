/** Set in the environment of a command that is to end when its standard input does: when whoever asked is gone. */
export const endsWithInput = "ADAPTIVE_ENDS_WITH_INPUT";

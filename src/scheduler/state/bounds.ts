/** A message to the scheduler has at most so many bytes: 200 000 ids and a preview of 2 000 points stay below. */
export const maxMessageBytes = 4 << 20;

/** Jobs in a row that come to nothing in one and the same way before a run pauses: then it is not the job. */
export const handful = 5;

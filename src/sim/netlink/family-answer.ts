// Owns what a generic netlink family is asked and answers, without the frame.

/** One request to a family. */
export interface FamilyRequest {
  readonly command: number;
  readonly attributes: Uint8Array;
  readonly isDump: boolean;
}

export interface FamilyMessage {
  readonly command: number;
  readonly attributes: Uint8Array;
}

export type FamilyAnswer =
  | { readonly kind: 'messages'; readonly messages: readonly FamilyMessage[] }
  | { readonly kind: 'refused'; readonly errno: string; readonly message?: string | undefined };

/** An empty message is none. */
export function refuseFamily(errno: string, message?: string): FamilyAnswer {
  return { kind: 'refused', errno, message: message === '' ? undefined : message };
}

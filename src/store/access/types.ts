/** What a user may do with everything that is not granted otherwise; each includes those before it. */
export const ROLES = ['viewer', 'editor', 'deployer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** What may be done with one experiment or one model; each includes those before it. */
export const PERMISSIONS = ['none', 'read', 'edit', 'deploy', 'manage'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Everyone who has no grant of their own: a grant to them limits what roles give. */
export const EVERYONE = '*';

export interface User {
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Date;
  /** Whether it may log in by password. */
  readonly hasPassword: boolean;
}

export interface Subject {
  readonly kind: 'experiment' | 'model';
  readonly id: number;
}

export interface Grant {
  readonly subject: Subject;
  /** A user, or {@link EVERYONE}. */
  readonly user: string;
  readonly permission: Permission;
}

export interface TokenInfo {
  /** The first digits of its hash, by which it is revoked. */
  readonly id: string;
  readonly user: string;
  readonly label: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface AccessStore {
  /** Makes a user, or gives one another role. @throws BallastError `USER_NAME_INVALID` */
  putUser(name: string, role: Role): Promise<void>;
  /** @throws BallastError `USER_NOT_FOUND`, `PASSWORD_TOO_SHORT` */
  setPassword(name: string, password: string): Promise<void>;
  /** @throws BallastError `USER_NOT_FOUND` */
  removeUser(name: string): Promise<void>;
  listUsers(): Promise<User[]>;
  /** The user of this name and password; undefined where there is none. Takes as long whether the name is known or not. */
  userByPassword(name: string, password: string): Promise<User | undefined>;
  /** The user of a token that is valid now. */
  userByToken(token: string): Promise<User | undefined>;
  /** A new token; it is told once, and only its hash is kept. @throws BallastError `USER_NOT_FOUND` */
  createToken(user: string, options: { readonly label: string; readonly seconds: number }): Promise<string>;
  listTokens(user?: string): Promise<TokenInfo[]>;
  /** Revokes a token by itself or by the beginning of its id. @throws BallastError `TOKEN_NOT_FOUND` */
  revokeToken(tokenOrId: string): Promise<void>;
  /** Grants a permission; `undefined` takes the grant back. */
  grant(subject: Subject, user: string, permission: Permission | undefined): Promise<void>;
  /** The grants of these subjects, or of all. */
  listGrants(subject?: Subject): Promise<Grant[]>;
}

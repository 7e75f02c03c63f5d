/** How a bundle's document spells names, places and times. */
import { z } from 'zod';

import { isIdentifier } from '../formats/ids.ts';
import { isPointer } from './pointer.ts';

export const identifier = z.string().refine(isIdentifier, 'not an identifier');
/** A Cedar identifier: entity types and attributes are spelled in requests, tables and schema alike. */
export const cedarName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'not a cedar identifier');
export const pointer = z.string().max(256).refine(isPointer, 'not a JSON Pointer (RFC 6901)');
export const seconds = (min: number, max: number) => z.int().min(min).max(max);

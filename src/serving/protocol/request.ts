import { z } from 'zod';
import { BallastError } from '../../errors.js';

/** Parameters of requests, tensors and answers. */
export type Parameters = Readonly<Record<string, string | number | boolean>>;

const parameters = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const inferRequest = z.object({
  id: z.string().optional(),
  parameters: parameters.optional(),
  inputs: z
    .array(
      z.object({
        name: z.string(),
        shape: z.array(z.int().min(0)),
        datatype: z.string(),
        parameters: parameters.optional(),
        data: z.array(z.unknown()).optional(),
      }),
    )
    .min(1),
  outputs: z.array(z.object({ name: z.string(), parameters: parameters.optional() })).optional(),
});

/** An inference request of the protocol, its data not looked at yet. */
export type InferRequest = z.infer<typeof inferRequest>;
export type RequestTensor = InferRequest['inputs'][number];

/** @throws BallastError `REQUEST_INVALID`, naming the first field that is not as the protocol says */
export function parseInferRequest(body: unknown): InferRequest {
  const parsed = inferRequest.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BallastError(`The request is not one of the Open Inference Protocol: ${issue?.message ?? 'invalid'}`, {
    code: 'REQUEST_INVALID',
    place: issue?.path.map(String).join('.') || 'body',
  });
}

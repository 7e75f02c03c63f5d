import type { INestApplication } from '@nestjs/common';
import { ApiResponse, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';

import { problemAnswer } from '../answers.ts';

/** JSON Schema 2020-12, as OpenAPI 3.1 has it. What a refinement says in code stands in the text of docs/http-api.md. */
export const jsonSchema = (schema: z.ZodType, io: 'input' | 'output' = 'output'): Record<string, unknown> => {
  const converted = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' });
  return Object.fromEntries(Object.entries(converted).filter(([name]) => name !== '$schema' && name !== '~standard'));
};

export const Answers = (status: number, description: string, schema: z.ZodType): MethodDecorator =>
  ApiResponse({ status, description, content: { 'application/json': { schema: jsonSchema(schema) } } });

export const AnswersText = (description: string): MethodDecorator =>
  ApiResponse({ status: 200, description, content: { 'text/plain': { schema: { type: 'string' } } } });

export const Refuses = (...statuses: readonly number[]): MethodDecorator => {
  const decorators = statuses.map((status) =>
    ApiResponse({
      status,
      description: 'refused: see `code`',
      content: { 'application/problem+json': { schema: jsonSchema(problemAnswer) } },
    }),
  );
  return (target, key, descriptor) => {
    for (const decorate of decorators) decorate(target, key, descriptor as TypedPropertyDescriptor<unknown>);
  };
};

export function createDocument(app: INestApplication): OpenAPIObject {
  const about = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Countersign gateway')
    .setDescription('Propose actions, read verdicts and receipts. Verify receipts offline, with keys you hold.')
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer' })
    .build();
  return SwaggerModule.createDocument(app, about, {
    standardSchemaConverter: (schema, { schemaType }) => ({ schema: jsonSchema(schema as z.ZodType, schemaType) }),
  });
}

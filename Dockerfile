# One image for every service; the command chooses: node dist/apps/<decider|notary|gateway|cli>/src/main.js
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY scripts scripts
RUN node scripts/bootstrap.mjs
COPY . .
RUN npm run build

FROM node:24-slim
WORKDIR /app
# What lives no longer than a batch is not copied about: docs/decisions/0015.
ENV NODE_ENV=production COUNTERSIGN_DATA=/data NODE_OPTIONS=--max-semi-space-size=64
COPY package.json package-lock.json ./
# Node 24 is the image's own; no install scripts are needed for the rest.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY --from=build /app/dist dist
COPY schemas schemas
COPY policies policies
COPY pom.xml ./
USER node
CMD ["node", "dist/apps/gateway/src/main.js"]

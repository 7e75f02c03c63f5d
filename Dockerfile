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
ENV NODE_ENV=production COUNTERSIGN_DATA=/data
COPY package.json package-lock.json ./
# Node 24 is the image's own; no install scripts are needed for the rest.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY --from=build /app/dist dist
COPY schemas schemas
COPY policies policies
COPY pom.xml ./
USER node
CMD ["node", "dist/apps/gateway/src/main.js"]

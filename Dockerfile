# The echo service: docker build -t twoway-echo . && docker run --rm --init -p 127.0.0.1:8080:8080 twoway-echo

FROM node:24-alpine AS build
WORKDIR /twoway
COPY . .
RUN npm ci --include=dev --no-audit --no-fund && npm run build
# What runs: the packed command and library, and the packages they need, without the tools.
RUN npm pack --silent --workspace packages/twoway --workspace packages/cli --pack-destination /tmp \
 && mkdir /app && cd /app && npm init --yes --silent > /dev/null \
 && npm install --omit=dev --no-audit --no-fund --silent /tmp/*.tgz

FROM node:24-alpine
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app .
USER node
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "node_modules/@twoway/cli/bin/twoway.js"]
CMD ["echo", "--host", "0.0.0.0", "--port", "8080"]

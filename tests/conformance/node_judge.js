// How Node's HTTP server, in its strict mode, judges requests. Reads the bytes of one connection a line, in hexadecimal; for
// each prints a line: "ok" or its error code, then a tab and METHOD, target and body (the latter two in hexadecimal, "-" for
// nothing) for every complete request. Before them all a line with the version of llhttp, Node's parser.
'use strict';
const fs = require('fs');
const http = require('http');
const net = require('net');

let judgement;
const hex = (bytes) => bytes.toString('hex') || '-';

function take(request, response) {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('error', () => {});
  request.on('end', () => {
    const target = Buffer.from(request.url, 'latin1');
    judgement.requests.push(`${request.method} ${hex(target)} ${hex(Buffer.concat(parts))}`);
    response.end();
  });
}

const server = http.createServer({insecureHTTPParser: false, keepAliveTimeout: 60000}, take);
server.on('checkContinue', take);
server.on('checkExpectation', take);
server.on('connect', (request, socket) => {
  judgement.requests.push(`${request.method} ${hex(Buffer.from(request.url, 'latin1'))} -`);
  socket.end();
});
server.on('clientError', (error, socket) => {
  judgement.error = judgement.error || error.code || 'unknown';
  socket.destroy();
});

function judge(bytes) {
  return new Promise((resolve) => {
    judgement = {requests: [], error: ''};
    const socket = net.connect(server.address().port, '127.0.0.1', () => socket.end(bytes));
    const answers = [];
    socket.on('data', (part) => answers.push(part));
    socket.on('error', () => {});
    socket.on('close', () => {
      // What the server refuses above its parser it answers itself: 400 for a missing Host.
      const refused = /HTTP\/1\.1 (4\d\d) /.exec(Buffer.concat(answers).toString('latin1'));
      const verdict = judgement.error || (refused ? `status ${refused[1]}` : 'ok');
      resolve([verdict, ...judgement.requests].join('\t'));
    });
  });
}

server.listen(0, '127.0.0.1', async () => {
  const lines = fs.readFileSync(process.argv[2], 'latin1').split('\n').filter((line) => line !== '');
  console.log(process.versions.llhttp);
  for (const line of lines) process.stdout.write((await judge(Buffer.from(line, 'hex'))) + '\n');
  process.exit(0);
});

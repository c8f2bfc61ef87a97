// Peers that others wrote, for node_peers_test.cc. NODE_PATH names the folder with their packages.
//
//   node_peer.js serve PORT            WebSocket (ws) at /ws, events at /events, a page at /page; says who has gone
//   node_peer.js serve-grpc PORT       grpc-js: shop.Echo
//   node_peer.js websocket URL         ws: prints a line for each thing that was tried: name, result
//   node_peer.js grpc ADDRESS          grpc-js, the same
//   node_peer.js browser URL CHROMIUM  a browser (playwright-core) on URL/page, the same
'use strict';
const [, , mode, ...args] = process.argv;
const say = (...words) => console.log(words.join(' '));
const soon = (ms) => new Promise((done) => setTimeout(done, ms));

const kPage = `<!doctype html><title>page</title><script>
async function tried() {
  const results = {};
  const answer = await fetch('/plain');
  results.fetch = await answer.text();
  results.protocol = performance.getEntriesByName(new URL('/plain', location).href)[0].nextHopProtocol;
  results.posted = await (await fetch('/length', {method: 'POST', body: 'x'.repeat(300000)})).text();
  results.websocket = await new Promise((done, fail) => {
    const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/ws');
    const heard = [];
    socket.onopen = () => { socket.send('hello'); socket.send('y'.repeat(200000)); };
    socket.onmessage = (event) => {
      heard.push(event.data.length > 20 ? event.data.length : event.data);
      if (heard.length === 2) socket.close(1000, 'enough');
    };
    socket.onclose = (event) => done(heard.concat(event.code, event.wasClean).join(','));
    socket.onerror = () => fail('error');
  });
  results.events = await new Promise((done) => {
    const source = new EventSource('/events');
    const heard = [];
    source.onmessage = (event) => {
      heard.push(event.data);
      if (heard.length === 3) { source.close(); done(heard.join(',')); }
    };
  });
  return results;
}
</script>`;

function serve(port) {
  const http = require('http');
  const {WebSocketServer} = require('ws');
  const server = http.createServer((request, response) => {
    if (request.url === '/page') return response.end(kPage);
    if (request.url === '/plain') return response.end('plain');
    if (request.url === '/length') {
      let length = 0;
      request.on('data', (piece) => (length += piece.length));
      return request.on('end', () => response.end(String(length)));
    }
    if (request.url !== '/events') return response.writeHead(404).end();
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    let count = 0;
    const timer = setInterval(() => response.write(`data: ${count++}\n\n`), 50);
    response.on('close', () => { clearInterval(timer); say('events gone'); });
  });
  const sockets = new WebSocketServer({server, path: '/ws', handleProtocols: (offered) => [...offered][0]});
  sockets.on('connection', (socket, request) => {
    say('websocket from', request.headers['x-forwarded-proto']);
    socket.on('message', (data, binary) => {
      if (String(data) === 'leave') return socket.close(4001, 'as you wish');
      socket.send(data, {binary});
    });
    socket.on('close', (code, reason) => say('websocket gone', code, String(reason)));
  });
  server.listen(Number(port), '127.0.0.1', () => say('ready'));
}

async function websocket(url) {
  const WebSocket = require('ws');
  const open = (options = {}, protocols = []) => new Promise((done, fail) => {
    const socket = new WebSocket(url, protocols, {rejectUnauthorized: false, ...options});
    socket.on('open', () => done(socket));
    socket.on('error', fail);
  });
  const next = (socket) => new Promise((done) => socket.once('message', (data, binary) => done([data, binary])));
  const socket = await open();
  socket.send('hello');
  say('text', (await next(socket))[0]);
  const large = Buffer.alloc(3000000, 'x');
  socket.send(large);
  const [back, binary] = await next(socket);
  say('large', back.length, binary, back.equals(large));
  socket.send('one ', {fin: false});
  socket.send('two', {fin: true});
  say('fragments', (await next(socket))[0]);
  socket.ping('are you there');
  say('pong', await new Promise((done) => socket.once('pong', (data) => done(String(data)))));
  socket.send('leave');
  say('closed', ...(await new Promise((done) => socket.on('close', (code, reason) => done([code, String(reason)])))));
  const packed = await open({perMessageDeflate: true}, ['shop.v1', 'shop.v2']);
  packed.send('z'.repeat(100000));
  say('negotiated', packed.protocol, (await next(packed))[0].length);
  packed.close(1000, 'done');
  await new Promise((done) => packed.on('close', done));
  const many = await Promise.all(Array.from({length: 50}, () => open()));
  const echoes = await Promise.all(many.map((each, i) => { each.send(`m${i}`); return next(each); }));
  say('many', echoes.filter(([data], i) => String(data) === `m${i}`).length);
  many.forEach((each) => each.terminate());
}

function serveGrpc(port) {
  const grpc = require('@grpc/grpc-js');
  const bytes = {requestSerialize: (x) => x, requestDeserialize: (x) => x, responseSerialize: (x) => x, responseDeserialize: (x) => x};
  const kind = (name, requestStream, responseStream) => ({path: `/shop.Echo/${name}`, requestStream, responseStream, ...bytes});
  const server = new grpc.Server();
  server.addService({
    Unary: kind('Unary', false, false), Fail: kind('Fail', false, false), Many: kind('Many', false, true),
    Sum: kind('Sum', true, false), Chat: kind('Chat', true, true),
  }, {
    Unary: (call, done) => {
      const trailers = new grpc.Metadata();
      trailers.set('x-trail', 't');
      done(null, call.request, trailers);
    },
    Fail: (call, done) => done({code: grpc.status.NOT_FOUND, details: 'no such order'}),
    Many: (call) => { for (let i = 0; i < 5; ++i) call.write(Buffer.from(call.request + String(i))); call.end(); },
    Sum: (call, done) => {
      const all = [];
      call.on('data', (each) => all.push(String(each)));
      call.on('end', () => done(null, Buffer.from(all.join(','))));
    },
    Chat: (call) => { call.on('data', (each) => call.write(Buffer.from('re:' + each))); call.on('end', () => call.end()); },
  });
  server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), () => say('ready'));
}

async function callGrpc(address) {
  const grpc = require('@grpc/grpc-js');
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const same = (x) => x;
  const late = () => ({deadline: Date.now() + 10000});
  const unary = (name, message, options = late()) => new Promise((done) => {
    let trail = '';
    const call = client.makeUnaryRequest(`/shop.Echo/${name}`, same, same, Buffer.from(message), new grpc.Metadata(), options,
      (error, answer) => setImmediate(() => done(error ? `${grpc.status[error.code]} ${error.details}` : `${answer.length > 50 ? answer.length : answer} ${trail}`)));
    call.on('status', (status) => { trail = status.metadata.get('x-trail')[0] || ''; });
  });
  const collect = (call) => new Promise((done) => {
    const all = [];
    call.on('data', (each) => all.push(String(each)));
    call.on('end', () => done(all.join(',')));
    call.on('error', (error) => done(grpc.status[error.code]));
  });
  say('unary', await unary('Unary', 'hi'));
  say('fail', await unary('Fail', 'x'));
  say('unknown', (await unary('Nothing', 'x')).split(' ')[0]);
  say('many', await collect(client.makeServerStreamRequest('/shop.Echo/Many', same, same, Buffer.from('a'), late())));
  say('sum', await new Promise((done) => {
    const call = client.makeClientStreamRequest('/shop.Echo/Sum', same, same, late(), (error, answer) => done(error || String(answer)));
    for (const each of ['a', 'b', 'c']) call.write(Buffer.from(each));
    call.end();
  }));
  const chat = client.makeBidiStreamRequest('/shop.Echo/Chat', same, same, late());
  const heard = collect(chat);
  for (let i = 0; i < 3; ++i) { chat.write(Buffer.from(String(i))); await soon(20); }
  chat.end();
  say('chat', await heard);
  say('large', await unary('Unary', 'x'.repeat(3000000)));
  const answers = await Promise.all(Array.from({length: 300}, () => unary('Unary', '12345')));
  say('hundreds', answers.filter((each) => each.startsWith('12345')).length);
  client.close();
}

async function browser(url, program) {
  const {chromium} = require('playwright-core');
  const started = await chromium.launch({executablePath: program, args: ['--no-sandbox', '--ignore-certificate-errors']});
  try {
    const page = await (await started.newContext({ignoreHTTPSErrors: true})).newPage();
    await page.goto(url + '/page');
    const results = await page.evaluate(() => tried());
    for (const [name, value] of Object.entries(results)) say(name, value);
  } finally {
    await started.close();
  }
}

const modes = {serve, 'serve-grpc': serveGrpc, websocket, grpc: callGrpc, browser};
Promise.resolve(modes[mode](...args)).catch((error) => { console.error(error); process.exit(1); });

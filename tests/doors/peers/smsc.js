// node's package smpp as a carrier: takes everything, reports on it, prints what it got.
// node smsc.js
const smpp = require('smpp');
const say = (what) => console.log(JSON.stringify(what));
let count = 0;
const server = smpp.createServer((session) => {
  session.on('error', () => {});
  session.on('bind_transceiver', (pdu) => session.send(pdu.response()));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => session.send(pdu.response()));
  session.on('submit_sm', (pdu) => {
    const id = (0xA0000 + ++count).toString(16).toUpperCase();
    const said = pdu.short_message || pdu.message_payload;
    say({ to: pdu.destination_addr, from: pdu.source_addr, text: said.message, udh: !!said.udh });
    session.send(pdu.response({ message_id: id }));
    session.deliver_sm({
      source_addr: pdu.destination_addr,
      destination_addr: pdu.source_addr,
      esm_class: 4,
      short_message: `id:${id} sub:001 dlvrd:001 submit date:2611241200 ` +
        'done date:2611241201 stat:DELIVRD err:000 text:',
    });
  });
});
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
process.stdin.on('end', () => process.exit(0)).resume();

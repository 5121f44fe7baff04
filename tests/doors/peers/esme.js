// node's package smpp as a client: logs in, submits each text, prints what comes back.
// node esme.js PORT ACCOUNT PASSWORD FROM TO TEXT...
const smpp = require('smpp');
const [port, account, password, from, to, ...texts] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));
const session = smpp.connect({ url: `smpp://127.0.0.1:${port}` }, () => {
  session.bind_transceiver({ system_id: account, password }, (bound) => {
    say({ bind: bound.command_status });
    if (bound.command_status !== 0) return session.close();
    for (const text of texts) {
      const long = text.length > 70;
      const body = long ? { message_payload: text } : { short_message: text };
      session.submit_sm(
        { source_addr: from, destination_addr: to, registered_delivery: 1, ...body },
        (answer) => say({ status: answer.command_status, id: answer.message_id }),
      );
    }
  });
});
session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  say({ receipt: pdu.receipted_message_id, text: pdu.short_message.message });
});
session.on('enquire_link', (pdu) => session.send(pdu.response()));
process.stdin.on('end', () => session.unbind(() => session.close())).resume();

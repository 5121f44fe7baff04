# Perl's Net::SMPP as a client: logs in, submits each text, prints what comes back.
# perl esme.pl PORT ACCOUNT PASSWORD FROM TO TEXT...
use strict;
use warnings;
use Encode qw(decode encode);
use Net::SMPP;

$| = 1;
my ($port, $account, $password, $from, $to, @texts) = @ARGV;
my ($smpp, $bound) = Net::SMPP->new_transceiver(
    '127.0.0.1', port => $port, system_id => $account, password => $password)
    or die "no bind";
die "bind refused: $bound->{status}" if $bound->{status};
my $passed = 0;
for my $text (@texts) {
    my $answer = $smpp->submit_sm(
        source_addr => $from, destination_addr => $to, data_coding => 8,
        registered_delivery => 1,
        short_message => encode('UTF-16BE', decode('UTF-8', $text)));
    printf "submit %d %s\n", $answer->{status}, $answer->{message_id} // '';
    $passed++ unless $answer->{status};
}
while ($passed--) {
    my $pdu = $smpp->read_pdu() or die "the end";
    $smpp->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
    print "deliver $pdu->{short_message}\n";
}
$smpp->unbind();

#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A real VNC client (Debian's libnet-vnc-perl) types and moves the mouse, and compares what it sees, pixel by pixel, with
# what the machine says it shows. Usage: tests/vnc.pl VNC-GUEST
use strict;
use warnings;
use Image::Imlib2;
use IO::Socket::INET;
use Net::VNC;

my ($guest) = @ARGV;

# A port that is free now.
my $probe = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
my $port = $probe->sockport;
close $probe;

my $pid = open(my $out, '-|', $guest, $port, 'shown.png') or die $!;
$SIG{ALRM} = sub { kill 'KILL', $pid; die "took too long\n" };
alarm 60;
die "the server didn't start\n" unless (readline($out) // '') =~ /^ready/;

my $vnc = Net::VNC->new({hostname => '127.0.0.1', port => $port});
$vnc->depth(24);
$vnc->login;
print '# ', $vnc->name, ', ', $vnc->width, ' x ', $vnc->height, "\n";
$vnc->capture;
$vnc->send_key_event(ord $_) for split //, 'hello, world 42';
$vnc->send_key_event(0xff0d);
$vnc->send_key_event(ord $_) for split //, 'second line';
$vnc->send_pointer_event(0, 10, 10);
$vnc->send_pointer_event(0, 90, 30);
sleep 1;
$vnc->capture->save('seen.png');
$vnc->send_key_event(0xff1b);
my $ended = close $out;

my $seen = Image::Imlib2->load('seen.png');
my $shown = Image::Imlib2->load('shown.png');
my ($differing, $inked) = (0, 0);
for my $y (0 .. $shown->height - 1) {
	for my $x (0 .. $shown->width - 1) {
		my @a = $seen->query_pixel($x, $y);
		my @b = $shown->query_pixel($x, $y);
		$differing++ if "@a[0 .. 2]" ne "@b[0 .. 2]";
		# Below the title: what was typed.
		$inked++ if $y >= 32 && $y < 64 && $b[0] + $b[1] > 300;
	}
}
my $number = 0;
sub point {
	my ($good, $what) = @_;
	printf "%sok %d - %s\n", $good ? '' : 'not ', ++$number, $what;
}
print "1..5\n";
point($vnc->name eq 'HyPike' && $vnc->width == 640 && $vnc->height == 400, 'the client is told what there is');
point($ended, 'Escape ends the machine');
point($seen->width == $shown->width && $seen->height == $shown->height, 'the picture has the size of the screen');
print "# $differing pixels differ, $inked are letters\n";
point($differing == 0, 'the client sees what is shown');
point($inked > 500, 'what was typed is there');

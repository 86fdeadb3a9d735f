#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A real VNC client (Debian's libnet-vnc-perl) types and moves the mouse, and compares what it sees, pixel by pixel, with
# what the machine says it shows.
#
# Usage: tests/vnc.pl SIZE DRAWN SECONDS COMMAND...
#
# The command makes a VNC server at port PORT of 127.0.0.1, a word that is replaced, and says "ready". When it says DRAWN, what
# was typed is on the screen (DRAWN `-`: after a second). The return key ends the machine; what it showed then is in
# shown.png, or in the command's output behind a line "shown.png:", as base64.
use strict;
use warnings;
use Image::Imlib2;
use IO::Socket::INET;
use MIME::Base64;
use Net::VNC;

my ($size, $drawn, $seconds, @command) = @ARGV;
$| = 1;

# A port that is free now.
my $probe = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
my $port = $probe->sockport;
close $probe;
s/\bPORT\b/$port/ for @command;

my $pid = open(my $out, '-|', @command) or die $!;
$SIG{ALRM} = sub { kill 'TERM', $pid; die "took too long\n" };
alarm $seconds;

# Reads what the machine says, to a line like that.
sub wait_for {
	my ($what) = @_;
	while (defined(my $line = readline $out)) {
		print "# $line";
		return if $line =~ /$what/;
	}
	die "the machine ended without saying: $what\n";
}

# The picture may be in the rest of what it says.
sub take_picture {
	my $text = '';
	while (defined(my $line = readline $out)) {
		if ($line =~ /^shown\.png:/ .. $line =~ /^\s*$/) {
			$text .= $line unless $line =~ /:/;
		} else {
			print "# $line";
		}
	}
	return if $text eq '';
	open(my $file, '>:raw', 'shown.png') or die $!;
	print $file decode_base64($text);
	close $file;
}

wait_for('ready');

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
$drawn eq '-' ? sleep 1 : wait_for($drawn);
$vnc->capture->save('seen.png');
# One of them ends it, before or after the other has come.
$SIG{PIPE} = 'IGNORE';
eval { $vnc->send_key_event($_) for 0xff1b, 0xff0d };
take_picture();
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
point($vnc->name eq 'HyPike' && $vnc->width . 'x' . $vnc->height eq $size, 'the client is told what there is');
point($ended, 'a key ends the machine');
point($seen->width == $shown->width && $seen->height == $shown->height, 'the picture has the size of the screen');
print "# $differing pixels differ, $inked are letters\n";
point($differing == 0, 'the client sees what is shown');
point($inked > 500, 'what was typed is there');

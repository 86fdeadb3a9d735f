#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A real VNC client (Debian's libnet-vnc-perl) types and moves the mouse, and compares what it sees, pixel by pixel, with
# what the machine says it shows.
#
# Usage: tests/vnc.pl SECONDS STAGE... -- COMMAND...
#
# The command makes a VNC server at port PORT of 127.0.0.1, a word that is replaced. A STAGE is SIZE,DRAWN,PICTURE: the command
# says "ready" when somebody may come, and DRAWN when what was typed is on the screen (DRAWN `-`: after a second). Then
# the return key ends the stage, and after the last one the machine. What was shown is in PICTURE, or in the command's
# output behind a line "PICTURE:", as base64.
use strict;
use warnings;
use Image::Imlib2;
use IO::Socket::INET;
use MIME::Base64;
use Net::VNC;

my $seconds = shift @ARGV;
my @stages;
while ((my $word = shift @ARGV) ne '--') {
	my ($size, $drawn, $picture) = split /,/, $word;
	push @stages, {size => $size, drawn => $drawn, picture => $picture};
}
my @command = @ARGV;
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

# Pictures may be in the rest of what it says.
sub take_pictures {
	my ($name, %text);
	while (defined(my $line = readline $out)) {
		if ($line =~ /^(\S+\.png):\s*$/) {
			$name = $1;
		} elsif (defined $name && $line =~ m{^[A-Za-z0-9+/=]+\s*$}) {
			$text{$name} .= $line;
		} else {
			undef $name;
			print "# $line";
		}
	}
	for my $picture (keys %text) {
		open(my $file, '>:raw', $picture) or die $!;
		print $file decode_base64($text{$picture});
		close $file;
	}
}

# A client of its own, as the screen has another size each time.
sub look {
	my ($stage) = @_;
	wait_for('ready');
	# Who connects is told the size that is known then: that of a machine on HyPike is, when somebody has asked.
	sleep 2;
	my $vnc = Net::VNC->new({hostname => '127.0.0.1', port => $port});
	$vnc->depth(24);
	$vnc->login;
	print '# ', $vnc->name, ', ', $vnc->width, ' x ', $vnc->height, "\n";
	$stage->{told} = $vnc->name eq 'HyPike' && $vnc->width . 'x' . $vnc->height eq $stage->{size};
	$vnc->capture;
	$vnc->send_key_event(ord $_) for split //, 'hello, world 42';
	$vnc->send_key_event(0xff0d);
	$vnc->send_key_event(ord $_) for split //, 'second line';
	$vnc->send_pointer_event(0, 10, 10);
	$vnc->send_pointer_event(0, 90, 30);
	$stage->{drawn} eq '-' ? sleep 1 : wait_for($stage->{drawn});
	$vnc->capture->save("seen-$stage->{picture}");
	# One of them ends it, before or after the other has come.
	eval { $vnc->send_key_event($_) for 0xff1b, 0xff0d };
}

my $number = 0;
sub point {
	my ($good, $what) = @_;
	printf "%sok %d - %s\n", $good ? '' : 'not ', ++$number, $what;
}

sub compare {
	my ($stage) = @_;
	my $seen = Image::Imlib2->load("seen-$stage->{picture}");
	my $shown = Image::Imlib2->load($stage->{picture});
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
	my $same = $seen->width == $shown->width && $seen->height == $shown->height;
	print "# $differing pixels differ, $inked are letters\n";
	point($stage->{told}, "$stage->{size}: the client is told what there is");
	point($same, "$stage->{size}: the picture has the size of the screen");
	point($differing == 0, "$stage->{size}: the client sees what is shown");
	point($inked > 500, "$stage->{size}: what was typed is there");
}

$SIG{PIPE} = 'IGNORE';
look($_) for @stages;
take_pictures();
my $ended = close $out;
print '1..', 4 * @stages + 1, "\n";
compare($_) for @stages;
point($ended, 'a key ends the machine');

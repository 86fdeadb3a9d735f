/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file rtc.h
 * MC146818A real-time clock of the PC (Motorola datasheet) and the CMOS bytes that a kernel reads.
 */
#ifndef LIB_X86_RTC_H
#define LIB_X86_RTC_H

#define RTC_INDEX 0x70 /**< bit 7: NMI disabled */
#define RTC_DATA  0x71
#define RTC_IRQ	  8

#define RTC_SECONDS	  0x00
#define RTC_SECONDS_ALARM 0x01
#define RTC_MINUTES	  0x02
#define RTC_MINUTES_ALARM 0x03
#define RTC_HOURS	  0x04
#define RTC_HOURS_ALARM	  0x05
#define RTC_WEEKDAY	  0x06
#define RTC_DAY		  0x07
#define RTC_MONTH	  0x08
#define RTC_YEAR	  0x09
#define RTC_REG_A	  0x0a
#define RTC_REG_B	  0x0b
#define RTC_REG_C	  0x0c
#define RTC_REG_D	  0x0d
#define RTC_SHUTDOWN	  0x0f /**< PC: what the BIOS does after a reset */
#define RTC_CENTURY	  0x32

#define RTC_A_UIP  0x80 /**< update in progress */
#define RTC_A_DV   0x70 /**< divider: 20h runs at 32768 Hz */
#define RTC_A_RATE 0x0f /**< periodic interrupt: 32768 >> (rate - 1) Hz */
#define RTC_B_SET  0x80
#define RTC_B_PIE  0x40
#define RTC_B_AIE  0x20
#define RTC_B_UIE  0x10
#define RTC_B_DM   0x04 /**< binary, not BCD */
#define RTC_B_24H  0x02
#define RTC_C_IRQF 0x80
#define RTC_C_PF   0x40
#define RTC_C_AF   0x20
#define RTC_C_UF   0x10
#define RTC_D_VRT  0x80

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file uart.h
 * 16550A UART (National Semiconductor PC16550D datasheet, 8.0).
 */
#ifndef LIB_X86_UART_H
#define LIB_X86_UART_H

#define UART_COM1     0x3f8
#define UART_COM2     0x2f8
#define UART_COM1_IRQ 4
#define UART_COM2_IRQ 3
#define UART_CLOCK    115200u /**< baud rate at divisor 1 */
#define UART_FIFO     16

/* Register offsets; DLL and DLM are there while LCR.DLAB is set */
#define UART_RBR 0 /**< receiver buffer, read */
#define UART_THR 0 /**< transmitter holding, write */
#define UART_DLL 0
#define UART_IER 1
#define UART_DLM 1
#define UART_IIR 2 /**< read */
#define UART_FCR 2 /**< write */
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_MSR 6
#define UART_SCR 7

#define UART_IER_RDA  0x01 /**< received data available */
#define UART_IER_THRE 0x02 /**< transmitter holding register empty */
#define UART_IER_RLS  0x04 /**< receiver line status */
#define UART_IER_MS   0x08 /**< modem status */

#define UART_IIR_NONE	 0x01
#define UART_IIR_MS	 0x00
#define UART_IIR_THRE	 0x02
#define UART_IIR_RDA	 0x04
#define UART_IIR_RLS	 0x06
#define UART_IIR_TIMEOUT 0x0c
#define UART_IIR_ID	 0x0f
#define UART_IIR_FIFOS	 0xc0

#define UART_FCR_ENABLE	  0x01
#define UART_FCR_RX_RESET 0x02
#define UART_FCR_TX_RESET 0x04
#define UART_FCR_TRIGGER  0xc0

#define UART_LCR_8N1  0x03
#define UART_LCR_BRK  0x40
#define UART_LCR_DLAB 0x80

#define UART_MCR_DTR  0x01
#define UART_MCR_RTS  0x02
#define UART_MCR_OUT1 0x04
#define UART_MCR_OUT2 0x08 /**< on a PC: lets the interrupt through */
#define UART_MCR_LOOP 0x10

#define UART_LSR_DR   0x01
#define UART_LSR_OE   0x02
#define UART_LSR_PE   0x04
#define UART_LSR_FE   0x08
#define UART_LSR_BI   0x10
#define UART_LSR_THRE 0x20
#define UART_LSR_TEMT 0x40

#define UART_MSR_DCTS 0x01
#define UART_MSR_DDSR 0x02
#define UART_MSR_TERI 0x04
#define UART_MSR_DDCD 0x08
#define UART_MSR_CTS  0x10
#define UART_MSR_DSR  0x20
#define UART_MSR_RI   0x40
#define UART_MSR_DCD  0x80

#endif

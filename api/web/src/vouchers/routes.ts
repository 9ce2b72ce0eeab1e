// The server's routes about payment channels.
import { request } from "../server/http";

/** A payment channel as the server has it; amounts since its contract was made. */
export interface Channel {
  id: string;
  state: "open" | "closing" | "closed";
  asset: string;
  payer: string;
  commitmentKey: string;
  deposited: string;
  accepted: string;
  collected: string;
}

/** What a contract has to be. */
export interface ChannelTerms {
  networkPassphrase: string;
  contracts: string[];
  token: string;
  asset: string;
  recipient: string;
  refundWaitingLedgersMin: number;
  voucherMin: string;
}

export interface Voucher {
  cumulative: string;
  signature: string;
}

const CHANNELS = "/api/v1/payments/channels";
const at = (contract: string): string => `${CHANNELS}/${encodeURIComponent(contract)}`;

/** `terms` is null where no payment channels are taken. */
export const listChannels = (token: string) =>
  request<{ items: Channel[]; terms: ChannelTerms | null }>("GET", CHANNELS, { token });

export const readChannel = (token: string, contract: string) => request<Channel>("GET", at(contract), { token });

/** `signature` is that of a voucher for nothing: it shows who has the key. */
export const registerChannel = (token: string, contract: string, signature: string) =>
  request<Channel>("POST", CHANNELS, { token, body: { contract, signature } });

/** The same again is the same as once. */
export const sendVoucher = (token: string, contract: string, voucher: Voucher) =>
  request<Channel>("POST", `${at(contract)}/vouchers`, { token, body: voucher });

export const closeChannel = (token: string, contract: string, voucher: Voucher | null) =>
  request<Channel>("POST", `${at(contract)}/close`, { token, body: { voucher } });

/** A contract that holds play money, which pays this server for what `key` signs. */
export const openInPlay = (token: string, key: string, amount: string) =>
  request<{ contract: string }>("POST", "/api/v1/sandbox/payment-channels", { token, body: { key, amount } });

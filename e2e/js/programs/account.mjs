// The SDK with a pair and an address from the environment, as `paddock env KEY --for dotenv` gives them.

import { trading } from "@alpacahq/alpaca-trade-api";

const { APCA_API_KEY_ID: keyId, APCA_API_SECRET_KEY: secret, APCA_API_BASE_URL: basePath } = process.env;
const api = new trading.AccountsApi(new trading.Configuration({ keyId, secret, basePath }));
console.log((await api.getAccount()).accountNumber);
process.exit(0);

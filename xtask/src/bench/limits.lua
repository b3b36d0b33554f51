-- Limit orders to buy one share of ten symbols in turn, a tenth above the market of the instant that the broker starts at: filled at once.
local symbols = {AAPL = 565, MSFT = 35, IBM = 214, SPY = 689, QQQ = 798, NVDA = 202, AMZN = 185, TSLA = 326, JPM = 331, KO = 79}
local requests = {}
local turn = 0

init = function(args)
  local headers = {["Content-Type"] = "application/json"}
  for name, value in pairs(wrk.headers) do
    headers[name] = value
  end
  for symbol, price in pairs(symbols) do
    local body = string.format('{"symbol":"%s","qty":"1","side":"buy","type":"limit","limit_price":"%d","time_in_force":"day"}', symbol, price)
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

request = function()
  turn = turn % #requests + 1
  return requests[turn]
end

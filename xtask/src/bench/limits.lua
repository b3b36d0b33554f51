-- Limit orders to buy one share, filled at once, of ten symbols in turn.
local symbols = {"AAPL", "MSFT", "IBM", "SPY", "QQQ", "NVDA", "AMZN", "TSLA", "JPM", "KO"}
local requests = {}
local turn = 0

init = function(args)
  local headers = {["Content-Type"] = "application/json"}
  for name, value in pairs(wrk.headers) do
    headers[name] = value
  end
  for number, symbol in ipairs(symbols) do
    local body = string.format('{"symbol":"%s","qty":"1","side":"buy","type":"limit","limit_price":"2000","time_in_force":"day"}', symbol)
    requests[number] = wrk.format("POST", nil, headers, body)
  end
end

request = function()
  turn = turn % #requests + 1
  return requests[turn]
end

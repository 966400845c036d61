-- Says what of Lua's libraries is within reach: Argo CD opens base, package and table only.
local open = {}
for _, name in ipairs({ "string", "math", "io", "os", "debug", "coroutine", "channel" }) do
  if _G[name] ~= nil then
    table.insert(open, name)
  end
end
return { status = "Healthy", message = table.concat(open, ", ") }

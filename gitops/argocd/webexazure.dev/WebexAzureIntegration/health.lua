-- WebexAzureIntegration conforms to kstatus: a person is needed exactly while the condition Stalled is True.
local hs = {}

if obj.metadata.deletionTimestamp ~= nil then
  hs.status = "Progressing"
  hs.message = "Pending deletion"
  if obj.metadata.finalizers ~= nil and #obj.metadata.finalizers > 0 then
    hs.message = "Pending deletion; held back by finalizers: " .. table.concat(obj.metadata.finalizers, ", ")
  end
  return hs
end

local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end

local function holds(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

-- A verdict about an earlier spec is none: an edit must neither stay Healthy nor fail a sync before it was looked at.
-- The definition gives new objects the observedGeneration -1.
local is_current = obj.status ~= nil and obj.status.observedGeneration == obj.metadata.generation

if is_current and holds("Stalled") then
  hs.status = "Degraded"
  hs.message = conditions["Stalled"].message
  return hs
end

-- Of suspension the spec tells first: before the operator has seen that it begins, and before it has seen that it ends.
if obj.spec ~= nil and obj.spec.suspend == true then
  hs.status = "Suspended"
  hs.message = "spec.suspend is true"
  if holds("Suspended") then
    hs.message = conditions["Suspended"].message
  end
  return hs
end

if not is_current then
  hs.status = "Progressing"
  hs.message = "Waiting for the operator to look at the current spec"
  return hs
end

-- Drift that spec.driftPolicy Warn tolerates leaves Ready True, and its message says that there is some.
if holds("Ready") and not holds("Reconciling") then
  hs.status = "Healthy"
  hs.message = conditions["Ready"].message
  return hs
end

-- Whatever else there is gets better or worse without anybody's doing: a first look, a second one that confirms what the
-- first one missed, a tenant that cannot be read for now.
hs.status = "Progressing"
hs.message = "Waiting for a verdict"
if conditions["Ready"] ~= nil then
  hs.message = conditions["Ready"].message
end
return hs

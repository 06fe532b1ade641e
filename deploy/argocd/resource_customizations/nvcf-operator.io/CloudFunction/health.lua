-- Follows the conditions as kstatus reads them: only Stalled is Degraded, for Degraded ends a sync at once. A deletion is
-- always Progressing. Paused or suspended is Suspended, unless the operator says that it cannot go on.
local function get(value, ...)
  for _, name in ipairs({...}) do
    if type(value) ~= "table" then
      return nil
    end
    value = value[name]
  end
  return value
end

local conditions = {}
local list = get(obj, "status", "conditions")
if type(list) == "table" then
  for _, condition in ipairs(list) do
    local kind = get(condition, "type")
    if kind ~= nil then
      conditions[kind] = condition
    end
  end
end

local function is_true(kind)
  return get(conditions, kind, "status") == "True"
end

local function health(status, kind, otherwise)
  local message = get(conditions, kind, "message")
  if type(message) ~= "string" or message == "" then
    message = otherwise
  end
  return {status = status, message = message}
end

if get(obj, "metadata", "deletionTimestamp") ~= nil then
  if is_true("DeletionBlocked") then
    return health("Progressing", "DeletionBlocked", "The function cannot be deleted for now")
  end
  return health("Progressing", "Ready", "Pending deletion")
end

if get(conditions, "Ready") == nil then
  return {status = "Progressing", message = "Waiting for the operator to see the resource"}
end

local generation = get(obj, "metadata", "generation")
if generation ~= nil and get(obj, "status", "observedGeneration") ~= generation then
  return {status = "Progressing", message = "Waiting for the operator to see the change"}
end

if is_true("Stalled") then
  return health("Degraded", "Stalled", "It does not go on without a person")
end

-- The operator takes the word in any case of letters; there is no library for strings here.
local word = get(obj, "metadata", "annotations", "nvcf-operator.io/paused")
local paused = word == "true" or word == "True" or word == "TRUE"
if paused or get(obj, "spec", "suspend") == true then
  if get(conditions, "Ready", "reason") == "Suspended" then
    return health("Suspended", "Ready", "Nothing is written to NVCF")
  end
  return {status = "Suspended", message = "Waiting for the operator to see the pause"}
end

if is_true("Reconciling") then
  return health("Progressing", "Reconciling", "The operator or NVCF is at work")
end

if is_true("Ready") then
  return health("Healthy", "Ready", "The manifest is in force")
end

return health("Progressing", "Ready", "The manifest is not in force yet")

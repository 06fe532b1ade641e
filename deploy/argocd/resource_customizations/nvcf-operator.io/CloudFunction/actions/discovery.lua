local metadata = obj.metadata or {}
local annotations = metadata.annotations or {}
local spec = obj.spec or {}

local deleting = metadata.deletionTimestamp ~= nil
-- The operator takes the word in any case of letters; there is no library for strings here.
local word = annotations["nvcf-operator.io/paused"]
local paused = word == "true" or word == "True" or word == "TRUE"
local idle = deleting or paused or spec.suspend == true

-- What spec.suspend stops, only the manifest resumes: an action that changed the spec would be undone by a self-heal.
-- A revision stands for one version: where the manifest names one, another version needs another revision.
return {
  ["pause"] = {
    ["displayName"] = "Pause",
    ["iconClass"] = "fa fa-fw fa-pause",
    ["disabled"] = idle
  },
  ["resume"] = {
    ["displayName"] = "Resume",
    ["iconClass"] = "fa fa-fw fa-play",
    ["disabled"] = not paused
  },
  ["reconcile-now"] = {
    ["displayName"] = "Reconcile now",
    ["iconClass"] = "fa fa-fw fa-redo",
    ["disabled"] = false
  },
  ["new-version"] = {
    ["displayName"] = "Register a new version",
    ["iconClass"] = "fa fa-fw fa-plus",
    ["disabled"] = idle or spec.managementPolicy == "Observe" or spec.revision ~= nil
  }
}

// Command flux does to a cluster what Flux's kustomize-controller does with the manifests that it has built: apply,
// prune, wait for kstatus, and delete. It calls the same library with the same options; what it leaves out is all
// around that: sources, kustomize, and the status of the Kustomization.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/polling"
	"github.com/fluxcd/cli-utils/pkg/kstatus/polling/clusterreader"
	"github.com/fluxcd/cli-utils/pkg/kstatus/polling/engine"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/cli-utils/pkg/object"
	"github.com/fluxcd/pkg/ssa"
	"github.com/fluxcd/pkg/ssa/normalize"
	ssautil "github.com/fluxcd/pkg/ssa/utils"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

const (
	controller = "kustomize-controller"
	group      = "kustomize.toolkit.fluxcd.io"
)

// result is what one run prints as JSON on standard output.
type result struct {
	Applied map[string]string  `json:"applied"` // action by object
	Pruned  map[string]string  `json:"pruned"`
	Waited  string             `json:"waited"` // the error of the wait; empty when all is as wanted
	Status  map[string]kstatus `json:"status"` // at the end, by object
}

// kstatus is what Flux computes of an object.
type kstatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	kubeconfig := flag.String("kubeconfig", "", "`file` of the cluster")
	name := flag.String("name", "functions", "name of the Kustomization, in namespace flux-system")
	inventory := flag.String("inventory", "", "`file` that keeps what was applied, for the next run")
	remove := flag.Bool("delete", false, "delete what the inventory has, as when the Kustomization is deleted")
	timeout := flag.Duration("timeout", time.Minute, "how long is waited")
	interval := flag.Duration("interval", 5*time.Second, "between two reads while waiting")
	flag.Parse()
	manager, kube, err := connect(*kubeconfig)
	if err != nil {
		return err
	}
	before, err := read(*inventory)
	if err != nil {
		return err
	}
	owned := manager.GetOwnerLabels(*name, "flux-system")
	ctx, found := context.Background(), result{}
	if *remove {
		if found, err = deleted(ctx, manager, before, owned, *interval, *timeout); err != nil {
			return err
		}
	} else {
		objects, err := ssautil.ReadObjects(os.Stdin)
		if err != nil {
			return err
		}
		manager.SetOwnerLabels(objects, *name, "flux-system")
		if found, err = applied(ctx, manager, objects, before, owned, *interval, *timeout); err != nil {
			return err
		}
		if err := write(*inventory, objects); err != nil {
			return err
		}
		before = append(before, objects...)
	}
	if found.Status, err = statuses(ctx, kube, before); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

// connect makes the resource manager as the controller does by default: its reads go past any cache.
func connect(kubeconfig string) (*ssa.ResourceManager, client.Client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	config.QPS, config.Burst = 50, 300
	http, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, nil, err
	}
	mapper, err := apiutil.NewDynamicRESTMapper(config, http)
	if err != nil {
		return nil, nil, err
	}
	kube, err := client.New(config, client.Options{HTTPClient: http, Mapper: mapper})
	if err != nil {
		return nil, nil, err
	}
	reader := engine.ClusterReaderFactoryFunc(clusterreader.NewDirectClusterReader)
	poller := polling.NewStatusPoller(kube, mapper, polling.Options{ClusterReaderFactory: reader})
	return ssa.NewResourceManager(kube, poller, ssa.Owner{Field: controller, Group: group}), kube, nil
}

// applied applies the objects, prunes what is in the inventory and not among them, and waits for the applied ones.
func applied(
	ctx context.Context, manager *ssa.ResourceManager, objects, before []*unstructured.Unstructured,
	owned map[string]string, interval, timeout time.Duration,
) (result, error) {
	if err := normalize.UnstructuredList(objects); err != nil {
		return result{}, err
	}
	changes, err := manager.ApplyAllStaged(ctx, objects, applyOptions())
	if err != nil {
		return result{}, err
	}
	kept := object.UnstructuredSetToObjMetadataSet(objects)
	var stale []*unstructured.Unstructured
	for _, each := range before {
		if !kept.Contains(object.UnstructuredToObjMetadata(each)) {
			stale = append(stale, each)
		}
	}
	pruned, err := manager.DeleteAll(ctx, stale, deleteOptions(owned))
	if err != nil {
		return result{}, err
	}
	found := result{Applied: actions(changes), Pruned: actions(pruned)}
	err = manager.WaitForSetWithContext(ctx, changes.ToObjMetadataSet(), ssa.WaitOptions{
		Interval: interval, Timeout: timeout, FailFast: true,
	})
	found.Waited = text(err)
	return found, nil
}

// deleted deletes what the inventory has and waits until it is gone, as with deletionPolicy WaitForTermination.
func deleted(
	ctx context.Context, manager *ssa.ResourceManager, before []*unstructured.Unstructured,
	owned map[string]string, interval, timeout time.Duration,
) (result, error) {
	changes, err := manager.DeleteAll(ctx, before, deleteOptions(owned))
	if err != nil {
		return result{}, err
	}
	err = manager.WaitForSetTermination(changes, ssa.WaitOptions{Interval: interval, Timeout: timeout})
	return result{Pruned: actions(changes), Waited: text(err)}, nil
}

// applyOptions are the controller's for a Kustomization that sets none.
func applyOptions() ssa.ApplyOptions {
	options := ssa.DefaultApplyOptions()
	options.ExclusionSelector = map[string]string{group + "/reconcile": "disabled", group + "/ssa": "Ignore"}
	options.IfNotPresentSelector = map[string]string{group + "/ssa": "IfNotPresent"}
	options.ForceSelector = map[string]string{group + "/force": "enabled"}
	options.Cleanup = ssa.ApplyCleanupOptions{
		Annotations: []string{corev1.LastAppliedConfigAnnotation},
		FieldManagers: []ssa.FieldManager{
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationApply},
			{Name: "kubectl", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: "before-first-apply", OperationType: metav1.ManagedFieldsOperationUpdate},
			{Name: controller, OperationType: metav1.ManagedFieldsOperationUpdate},
		},
		Exclusions: map[string]string{group + "/ssa": "Merge"},
	}
	return options
}

func deleteOptions(owned map[string]string) ssa.DeleteOptions {
	return ssa.DeleteOptions{
		PropagationPolicy: metav1.DeletePropagationBackground,
		Inclusions:        owned,
		Exclusions: map[string]string{
			group + "/prune": "disabled", group + "/reconcile": "disabled", group + "/ssa": "Ignore",
		},
	}
}

func actions(changes *ssa.ChangeSet) map[string]string {
	found := map[string]string{}
	for _, entry := range changes.Entries {
		found[entry.Subject] = string(entry.Action)
	}
	return found
}

// statuses computes the status of each object as it is; NotFound where it is gone.
func statuses(ctx context.Context, kube client.Client, objects []*unstructured.Unstructured) (map[string]kstatus, error) {
	found := map[string]kstatus{}
	for _, each := range objects {
		subject := ssautil.FmtUnstructured(each)
		read := each.DeepCopy()
		if err := kube.Get(ctx, client.ObjectKeyFromObject(each), read); client.IgnoreNotFound(err) != nil {
			return nil, err
		} else if err != nil {
			found[subject] = kstatus{Status: string(status.NotFoundStatus)}
			continue
		}
		computed, err := status.Compute(read)
		if err != nil {
			return nil, err
		}
		found[subject] = kstatus{Status: string(computed.Status), Message: computed.Message}
	}
	return found, nil
}

func read(path string) ([]*unstructured.Unstructured, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return ssautil.ReadObjects(file)
}

func write(path string, objects []*unstructured.Unstructured) error {
	sort.Slice(objects, func(i, j int) bool {
		return ssautil.FmtUnstructured(objects[i]) < ssautil.FmtUnstructured(objects[j])
	})
	text, err := ssautil.ObjectsToYAML(objects)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
